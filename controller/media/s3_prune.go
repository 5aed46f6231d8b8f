package media

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
)

// prune removes the recordings of days before oldest (yyyyMMdd, Beijing's) and tells their names. What is not a recording stays.
func (s *S3) prune(ctx context.Context, oldest string, note func(name string)) (removed int, err error) {
	var days []string
	err = s.each(ctx, s.prefix, func(key string) error {
		day := strings.TrimSuffix(strings.TrimPrefix(key, s.prefix), "/")
		if dayName.MatchString(day) && day < oldest {
			days = append(days, day)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, day := range days {
		err = s.each(ctx, s.prefix+day+"/", func(key string) error {
			if !recordingName.MatchString(path.Base(key)) {
				return nil
			}
			if err := s.removeObject(ctx, key); err != nil {
				return err
			}
			note(path.Base(key))
			removed++
			return nil
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// each calls do with what lies directly under a prefix, read a page at a time; a name that ends in "/" stands for all below it.
func (s *S3) each(ctx context.Context, prefix string, do func(key string) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing's goroutine whatever happens
	defer cancel()
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return fmt.Errorf("list the recordings in the object store: %w", o.Err)
		}
		if err := do(o.Key); err != nil {
			return err
		}
	}
	return ctx.Err()
}
