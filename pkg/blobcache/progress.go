package blobcache

import "context"

// progressKey is the key of the function in a context; see [WithProgress].
type progressKey struct{}

// WithProgress returns a context for requests whose progress f receives. A Transport calls
// f with the number of bytes of blobs that it has received since the last call, or that it
// has found in the cache; the number is negative if an interrupted download begins again.
// f must be safe for concurrent use and must not block.
func WithProgress(ctx context.Context, f func(bytes int64)) context.Context {
	return context.WithValue(ctx, progressKey{}, f)
}

// report calls the function of WithProgress, if ctx has one.
func report(ctx context.Context, bytes int64) {
	if f, ok := ctx.Value(progressKey{}).(func(int64)); ok && bytes != 0 {
		f(bytes)
	}
}
