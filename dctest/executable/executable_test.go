package executable_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cybozu-go/neco/dctest/executable"
)

// TestAProgramIsExecutedWhileOthersStart: with os.WriteFile, some of them are busy.
func TestAProgramIsExecutedWhileOthersStart(t *testing.T) {
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	const goroutines, programs = 8, 50
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for j := range programs {
				path := filepath.Join(dir, fmt.Sprintf("%d-%d", i, j))
				if err := executable.Write(path, program); err != nil {
					t.Error(err)
				}
				if err := exec.CommandContext(t.Context(), path).Run(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
