package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"maskline/models"
)

// Engine turns text into sound. It may be used from many goroutines at once.
type Engine interface {
	// Name tells engines and their settings apart: what one of another name has rendered is rendered anew.
	Name() string
	// Speak gives a WAV file: 16-bit PCM, A-law or µ-law, 8 to 48 kHz, one or two channels. s has a voice and a rate.
	Speak(ctx context.Context, s models.Speech) ([]byte, error)
}

// SpeechOptions are a speaker's.
type SpeechOptions struct {
	Engine     Engine        // nil: every text fails
	Voice      string        // of speeches that name none
	Dir        string        // rendered speech is kept here
	MaxBytes   int64         // of it; 0 is 1 GiB
	Concurrent int           // renderings at once; 0 is 2
	Timeout    time.Duration // of one; 0 is 10 s
	Sounds     *Sounds       // gives addresses to switches that fetch sounds; nil: they read Dir
	Log        *slog.Logger  // nil: no log
}

// Speaker renders text before the call that needs it is dialled, and keeps what it rendered by text, voice, rate and engine. Two calls
// that need the same text at once render it once. Its goroutines, one for each text that is being rendered, are ended by Close.
type Speaker struct {
	o     SpeechOptions
	cache *speechCache
	slots chan struct{}

	ctx   context.Context // of the renderings; ended by Close
	end   context.CancelFunc
	going sync.WaitGroup

	mu      sync.Mutex
	flights map[string]*flight // by file name
	closed  bool
	quiet   time.Time // failures before this are counted, not logged
	unsaid  int

	rendered, failed, found atomic.Int64
}

// flight is a text that is being rendered. length and err are set before done is closed.
type flight struct {
	done   chan struct{}
	length time.Duration
	err    error
}

const (
	speechMax   = 8 << 10 // bytes of a text; a full template has under 4 KB when it has been read
	flightsMax  = 1000    // texts that are rendered or wait for it
	patience    = 6       // times Timeout: how long a text waits for its turn
	failureHush = 10 * time.Second
)

// Why a text cannot be rendered now.
var (
	ErrNoEngine   = errors.New("no speech engine is configured")
	ErrSpeechBusy = errors.New("too many texts wait to be rendered")
	ErrSilent     = errors.New("the speech engine made no sound")
)

// NewSpeaker makes the directory where it is missing, and measures what it holds.
func NewSpeaker(o SpeechOptions) (*Speaker, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Concurrent == 0 {
		o.Concurrent = 2
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	cache, err := openSpeechCache(o.Dir, o.MaxBytes)
	if err != nil {
		return nil, err
	}
	s := &Speaker{o: o, cache: cache, slots: make(chan struct{}, o.Concurrent), flights: map[string]*flight{}}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Close ends the renderings and waits for them. Speak fails from then on.
func (s *Speaker) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.going.Wait()
}

// Speak gives the sound of a text: where the switch reads it, and its length. It waits for the rendering until ctx ends; the rendering goes on
// then, for the next call. Every error means that the text cannot be spoken now.
func (s *Speaker) Speak(ctx context.Context, speech models.Speech) (path string, length time.Duration, err error) {
	path, length, name, err := s.render(ctx, speech)
	if err == nil && s.o.Sounds != nil {
		path = s.o.Sounds.address(speechVersion, kindSpeech+"/"+name)
	}
	return path, length, err
}

// Render is Speak for this machine: file is the sound's file, whatever way switches get at it.
func (s *Speaker) Render(ctx context.Context, speech models.Speech) (file string, length time.Duration, err error) {
	file, length, _, err = s.render(ctx, speech)
	return file, length, err
}

func (s *Speaker) render(ctx context.Context, speech models.Speech) (file string, length time.Duration, name string, err error) {
	if speech, err = s.whole(speech); err != nil {
		return "", 0, "", err
	}
	name = s.name(speech)
	file = s.cache.path(name)
	if length, ok := s.cache.find(name); ok {
		s.found.Add(1)
		return file, length, name, nil
	}
	f, err := s.join(name, speech)
	if err != nil {
		return "", 0, "", err
	}
	select {
	case <-f.done:
		return file, f.length, name, f.err
	case <-ctx.Done():
		return "", 0, "", fmt.Errorf("wait for the speech: %w", ctx.Err())
	}
}

// whole gives a speech all that it leaves to the default, and refuses what no engine should see.
func (s *Speaker) whole(speech models.Speech) (models.Speech, error) {
	if speech.Voice == "" {
		speech.Voice = s.o.Voice
	}
	if speech.Rate == 0 {
		speech.Rate = 100
	}
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	speech.Text = strings.ReplaceAll(speech.Text, "\r", "")
	switch {
	case s.o.Engine == nil:
		return speech, ErrNoEngine
	case strings.TrimSpace(speech.Text) == "" || len(speech.Text) > speechMax || !utf8.ValidString(speech.Text) || strings.ContainsFunc(speech.Text, control):
		return speech, fmt.Errorf("the speech is not text of at most %d bytes", speechMax)
	case strings.HasPrefix(speech.Voice, "-") || strings.ContainsFunc(speech.Voice, unicode.IsControl):
		return speech, errors.New("the voice's name holds signs that no voice has")
	case !models.ValidSpeed(speech.Rate):
		return speech, fmt.Errorf("the rate of %d percent is not within 50 to 200", speech.Rate)
	}
	return speech, nil
}

// name is the file name of a whole speech.
func (s *Speaker) name(speech models.Speech) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"1", s.o.Engine.Name(), speech.Voice, strconv.Itoa(speech.Rate), speech.Text}, "\x00")))
	return hex.EncodeToString(sum[:]) + ".wav"
}

// join gives the flight that renders a text, and starts it where there is none.
func (s *Speaker) join(name string, speech models.Speech) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[name]; f != nil {
		return f, nil
	}
	switch {
	case s.closed:
		return nil, context.Canceled
	case len(s.flights) >= flightsMax:
		return nil, ErrSpeechBusy
	}
	f := &flight{done: make(chan struct{})}
	s.flights[name] = f
	s.going.Go(func() { s.fly(f, name, speech) })
	return f, nil
}

func (s *Speaker) fly(f *flight, name string, speech models.Speech) {
	f.length, f.err = s.make(name, speech)
	s.mu.Lock()
	delete(s.flights, name)
	s.mu.Unlock()
	close(f.done)
	if f.err != nil && s.ctx.Err() == nil {
		s.failed.Add(1)
		s.complain(f.err)
	}
}

// make renders a text when its turn has come.
func (s *Speaker) make(name string, speech models.Speech) (time.Duration, error) {
	turn, cancel := context.WithTimeout(s.ctx, patience*s.o.Timeout)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-turn.Done():
		return 0, ErrSpeechBusy
	}
	if length, ok := s.cache.find(name); ok { // another daemon was faster
		return length, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.o.Timeout)
	defer cancel()
	raw, err := s.o.Engine.Speak(ctx, speech)
	if err != nil {
		return 0, err
	}
	sound, err := voiced(raw)
	if err != nil {
		return 0, err
	}
	s.rendered.Add(1)
	return s.cache.keep(name, sound)
}

// complain logs a failure, and how many went before it in silence: one a text would be thousands when an engine is down.
func (s *Speaker) complain(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.quiet) {
		s.unsaid++
		return
	}
	s.o.Log.Error("text cannot be spoken; calls that need it end with 8005", "error", err, "more", s.unsaid)
	s.quiet, s.unsaid = time.Now().Add(failureHush), 0
}

// place is the file of a rendered text on this machine.
func (s *Speaker) place(name string) (string, bool) {
	if !speechFile.MatchString(name) {
		return "", false
	}
	_, ok := s.cache.find(name)
	return s.cache.path(name), ok
}

// SpeechStats is what a speaker has done since it was made, and the bytes that it keeps.
type SpeechStats struct {
	Rendered, Failed, Found int64
	Bytes                   int64
}

// Stats is for metrics.
func (s *Speaker) Stats() SpeechStats {
	return SpeechStats{s.rendered.Load(), s.failed.Load(), s.found.Load(), s.cache.held()}
}
