// Package media keeps sound files: prompts that callers hear, found by name, speech made of text, and recordings of calls, which their tenant
// fetches by a signed link. Its types may be used from many goroutines at once. The switch reads prompts and writes recordings itself, so
// directories must have one name for both, unless Sounds gives it prompts and speech over HTTP. Names from outside never leave their directory
// (os.Root).
//
// Keeper.Run and Drain.Run run in their caller's goroutine and end with its context; a Drain's workers end before its round does. A Speaker has a
// goroutine for each text that is being rendered; Close ends them.
//
// A prompt's way: Shelf.Upload keeps the file, Shelf.Approve publishes what is made of it where the Library finds it, at once and for every call.
//
// A recording's way: the switch writes <dir>/<yyyyMMdd>/<name> and closes it, which its header shows (track). The Keeper notes that and lets the
// CDR's push go. A Drain moves what is closed from other directories or hosts into the directory, and from there, where there is one, into the
// object store (S3). Keeper.Expire removes it when its days are over.
package media
