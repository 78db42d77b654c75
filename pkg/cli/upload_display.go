package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/cybozu-go/neco/pkg/contents"
)

// newUploadDisplay returns the display for uploads: bars on a terminal, lines elsewhere,
// and none if the output is JSON.
func newUploadDisplay(w io.Writer, o output) uploadDisplay {
	switch {
	case o.json():
		return uploadSilence{}
	case isTerminal(w):
		return newUploadBars(w)
	}
	return &uploadLines{w: w, begun: map[string]bool{}}
}

// resultLine returns the line for a content that was uploaded in the given time.
func resultLine(e contents.Event, took time.Duration) string {
	return fmt.Sprintf("uploaded %s: % .1f in %.1f s", e.Name, decor.SizeB1024(e.Total), took.Seconds())
}

// failureLine returns the line for an upload that will be repeated.
func failureLine(e contents.Event) string {
	return fmt.Sprintf("uploading %s again: %s", e.Name, e.Reason)
}

// uploadSilence is an uploadDisplay that shows nothing.
type uploadSilence struct{}

func (uploadSilence) progress(contents.Event)              {}
func (uploadSilence) failure(contents.Event)               {}
func (uploadSilence) result(contents.Event, time.Duration) {}
func (uploadSilence) action(string)                        {}
func (uploadSilence) close()                               {}

// uploadLines is an uploadDisplay that prints a line when an upload begins and another one
// when it has ended.
type uploadLines struct {
	w     io.Writer
	begun map[string]bool
}

func (l *uploadLines) progress(e contents.Event) {
	if !l.begun[e.Name] {
		l.begun[e.Name] = true
		fmt.Fprintf(l.w, "uploading %s\n", e.Name)
	}
}

func (l *uploadLines) failure(e contents.Event) { fmt.Fprintln(l.w, failureLine(e)) }

func (l *uploadLines) result(e contents.Event, took time.Duration) {
	fmt.Fprintln(l.w, resultLine(e, took))
}

func (l *uploadLines) action(line string) { fmt.Fprintln(l.w, line) }
func (l *uploadLines) close()             {}

// uploadBars is an uploadDisplay on a terminal, with one line for each upload in progress
// below the lines of those that have ended.
type uploadBars struct {
	all *mpb.Progress
	// bars has the bars by the name of the content.
	bars map[string]uploadBar
}

// uploadBar is the bar of a content that is downloaded or uploaded. A bar shows one of the
// two, because its rate is that of its whole life.
type uploadBar struct {
	*mpb.Bar
	state contents.State
}

func newUploadBars(w io.Writer) *uploadBars {
	return &uploadBars{all: mpb.New(mpb.WithOutput(w)), bars: map[string]uploadBar{}}
}

func (b *uploadBars) progress(e contents.Event) {
	bar, ok := b.bars[e.Name]
	if !ok || bar.state != e.State {
		b.drop(e.Name)
		bar = uploadBar{b.add(e), e.State}
		b.bars[e.Name] = bar
	}
	bar.SetTotal(e.Total, false)
	bar.SetCurrent(e.Done)
}

// add adds the bar of a content in the state of e. Its total is set later, so that the bar
// stays until drop.
func (b *uploadBars) add(e contents.Event) *mpb.Bar {
	return b.all.AddBar(0,
		mpb.PrependDecorators(
			decor.Name(e.Name, decor.WCSyncSpaceR),
			decor.Name(string(e.State), decor.WCSyncSpaceR),
		),
		mpb.AppendDecorators(
			decor.Counters(decor.SizeB1024(0), "% .1f / % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace),
		),
	)
}

// drop removes the bar of a content.
func (b *uploadBars) drop(name string) {
	if bar, ok := b.bars[name]; ok {
		bar.Abort(true)
		delete(b.bars, name)
	}
}

// line prints a line above the bars.
func (b *uploadBars) line(text string) {
	_, _ = fmt.Fprintln(b.all, text) // fails only after close
}

func (b *uploadBars) failure(e contents.Event) {
	b.drop(e.Name)
	b.line(failureLine(e))
}

func (b *uploadBars) result(e contents.Event, took time.Duration) {
	b.drop(e.Name)
	b.line(resultLine(e, took))
}

func (b *uploadBars) action(line string) {
	for name := range b.bars {
		b.drop(name)
	}
	b.line(line)
}

// close removes the bars and blocks until the terminal shows the last line.
func (b *uploadBars) close() {
	for name := range b.bars {
		b.drop(name)
	}
	b.all.Wait()
}
