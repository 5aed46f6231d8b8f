package media

import (
	"errors"
	"os"
	"path/filepath"
)

// partPrefix begins the names of files that are being written. No prompt, speech or recording has such a name.
const partPrefix = ".part-"

// stage writes a file that is to be put in its place later, in the directory where that is, and gives its name. It is on disk then, and the switch,
// in our group, may read it.
func stage(dir string, b []byte) (part string, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, partPrefix+"*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o640)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// putInPlace gives a staged file its name, so that it appears whole or not at all, and puts that on disk.
func putInPlace(part, path string) error {
	if err := os.Rename(part, path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path)) //nolint:gosec // one of our own directories
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
