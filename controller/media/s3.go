package media

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"maskline/models"
)

// How long conversations with the object store may take.
const (
	s3AskIn   = 10 * time.Second // one that moves no recording
	s3PutIn   = time.Minute      // to put one, and as much again for each s3PutStep of it
	s3PutStep = 16 << 20
	s3LinkMax = 7 * 24 * time.Hour // the longest life of a signed link (Signature Version 4)
	s3Tries   = 2
	headBytes = 4 << 10 // of a recording, to read its header
)

// S3Options says where the object store is. All but Region, Prefix and the switches are required.
type S3Options struct {
	Endpoint  string // https://host[:port], or http://…
	Bucket    string // must exist
	Region    string // "" is us-east-1; stores of one's own take any
	Prefix    string // before each object's name, such as "recordings/"
	Key       string
	Secret    string
	PathStyle bool // https://host/bucket instead of https://bucket.host
	// Through has links lead to the daemon, which streams from the store: for a store that customers cannot reach.
	Through   bool
	Transport http.RoundTripper // nil is one with deadlines for dialling and the answer's header
}

// S3 keeps recordings in an S3-like object store. What it is given is compared with what it then says it has.
type S3 struct {
	client  *minio.Client
	bucket  string
	prefix  string
	through bool
}

// NewS3 checks the options; it does not touch the network (see Check).
func NewS3(o S3Options) (*S3, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the object store's endpoint %q is not http://host:port or https://host:port", o.Endpoint)
	}
	if o.Bucket == "" || o.Key == "" || o.Secret == "" {
		return nil, errors.New("the object store needs a bucket, a key and its secret")
	}
	if o.Transport == nil {
		t, err := minio.DefaultTransport(u.Scheme == "https")
		if err != nil {
			return nil, fmt.Errorf("make the object store's transport: %w", err)
		}
		o.Transport = t
	}
	lookup := minio.BucketLookupDNS
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	// With a region set, the store is never asked for one.
	region := o.Region
	if region == "" {
		region = "us-east-1"
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(o.Key, o.Secret, ""), Secure: u.Scheme == "https",
		Region: region, BucketLookup: lookup, Transport: o.Transport, MaxRetries: s3Tries})
	if err != nil {
		return nil, fmt.Errorf("make the object store's client: %w", err)
	}
	return &S3{client: client, bucket: o.Bucket, prefix: o.Prefix, through: o.Through}, nil
}

// Check asks the store whether the bucket is there and may be used.
func (s *S3) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s3AskIn)
	defer cancel()
	ok, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil {
		return fmt.Errorf("ask for the bucket of recordings: %w", err)
	}
	if !ok {
		return fmt.Errorf("the bucket %s of recordings does not exist", s.bucket)
	}
	return nil
}

// object is a recording's name in the bucket.
func (s *S3) object(name string) (string, error) {
	below, err := place(name)
	if err != nil {
		return "", err
	}
	return s.prefix + strings.ReplaceAll(below, "\\", "/"), nil
}

// Put uploads a file in one piece and returns when the store says that it has these bytes. What is there already with the same content is not
// uploaded again; another content is ErrTaken.
func (s *S3) Put(ctx context.Context, name string, r io.ReaderAt, d Digest) error {
	key, err := s.object(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s3PutIn*time.Duration(1+d.Bytes/s3PutStep))
	defer cancel()
	switch same, err := s.has(ctx, key, d); {
	case same:
		return nil
	case models.CodeOf(err) != models.RecordMissing:
		return err
	}
	_, err = s.client.PutObject(ctx, s.bucket, key, io.NewSectionReader(r, 0, d.Bytes), d.Bytes, minio.PutObjectOptions{
		ContentType: "audio/wav", SendContentMd5: true, DisableMultipart: true, UserMetadata: map[string]string{"sha256": hex.EncodeToString(d.SHA256[:])}})
	if err != nil {
		return fmt.Errorf("upload recording %s: %w", name, err)
	}
	_, err = s.has(ctx, key, d)
	if errors.Is(err, ErrTaken) { // there was nothing before: what the store has is what it made of ours, and in the way of the next try
		err = errors.Join(ErrDamaged, s.removeObject(ctx, key))
	}
	if err != nil {
		return fmt.Errorf("look at the upload of recording %s: %w", name, err)
	}
	return nil
}

// has says whether the store has this content: RecordMissing when it has none, ErrTaken when it has another.
func (s *S3) has(ctx context.Context, key string, d Digest) (bool, error) {
	info, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return false, s3Error("ask for a recording", err)
	}
	if info.Size != d.Bytes {
		return false, ErrTaken
	}
	if strings.EqualFold(strings.Trim(info.ETag, `"`), hex.EncodeToString(d.etag[:])) {
		return true, nil
	}
	// Stores that encrypt with keys of a key service name other ETags: only the bytes themselves tell then.
	obj, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return false, s3Error("read a recording back", err)
	}
	defer func() { _ = obj.Close() }()
	got, err := sumOf(obj)
	if err != nil {
		return false, s3Error("read a recording back", err)
	}
	if got != d.SHA256 {
		return false, ErrTaken
	}
	return true, nil
}

// s3Error is RecordMissing for an object that is not there.
func s3Error(tried string, err error) error {
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return errMissing()
	}
	return fmt.Errorf("%s: %w", tried, err)
}

// look reads a recording's header.
func (s *S3) look(ctx context.Context, name string) (track, error) {
	key, err := s.object(name)
	if err != nil {
		return track{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s3AskIn)
	defer cancel()
	info, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return track{}, s3Error("ask for a recording", err)
	}
	var o minio.GetObjectOptions
	if err := o.SetRange(0, headBytes-1); err != nil {
		return track{}, fmt.Errorf("ask for a recording's header: %w", err)
	}
	obj, err := s.client.GetObject(ctx, s.bucket, key, o)
	if err != nil {
		return track{}, s3Error("ask for a recording's header", err)
	}
	defer func() { _ = obj.Close() }()
	head, err := io.ReadAll(io.LimitReader(obj, headBytes))
	if err != nil {
		return track{}, s3Error("read a recording's header", err)
	}
	return readTrack(bytes.NewReader(head), info.Size)
}

func (s *S3) open(ctx context.Context, name string) (Sounding, error) {
	key, err := s.object(name)
	if err != nil {
		return Sounding{}, err
	}
	obj, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return Sounding{}, s3Error("open the recording", err)
	}
	info, err := obj.Stat()
	if err != nil {
		_ = obj.Close()
		return Sounding{}, s3Error("open the recording", err)
	}
	return Sounding{obj, info.Size, info.LastModified}, nil
}

// link is a signed URL into the store, for life, a week at most. It is computed, the store is not asked.
func (s *S3) link(ctx context.Context, name string, life time.Duration) (string, error) {
	key, err := s.object(name)
	if err != nil {
		return "", err
	}
	u, err := s.client.PresignedGetObject(ctx, s.bucket, key, min(life, s3LinkMax), url.Values{
		"response-content-type": {"audio/wav"}, "response-content-disposition": {`attachment; filename="` + name + `"`}})
	if err != nil {
		return "", fmt.Errorf("sign a link to a recording: %w", err)
	}
	return u.String(), nil
}

func (s *S3) remove(ctx context.Context, name string) error {
	key, err := s.object(name)
	if err != nil {
		return err
	}
	return s.removeObject(ctx, key)
}

func (s *S3) removeObject(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, s3AskIn)
	defer cancel()
	if err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		return fmt.Errorf("remove a recording from the object store: %w", err)
	}
	return nil
}
