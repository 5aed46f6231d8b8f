// Package media keeps sound files: prompts that callers hear, found by name, and recordings of calls, which their tenant fetches by a
// signed link. It starts no goroutine; its types may be used from many at once. The switch reads prompts and writes recordings itself,
// so directories must have one name for both. Names from outside never leave their directory (os.Root).
package media
