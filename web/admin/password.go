package admin

import (
	"context"
	"strings"
	"unicode/utf8"

	"maskline/models"
	"maskline/models/secret"
)

// goodPassword checks a new password. Length is what makes it hard to guess; nothing else is asked for.
func goodPassword(name, password string) error {
	if n := utf8.RuneCountInString(password); n < 12 || n > secret.PasswordMost || strings.EqualFold(password, name) {
		return models.Fail(models.Invalid, "password", "a password has 12 to %d characters, and is not the name", secret.PasswordMost)
	}
	return nil
}

// hashPassword is what is stored of a new password that goodPassword took.
func hashPassword(ctx context.Context, password string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, passwordIn)
	defer cancel()
	return secret.Hash(ctx, password)
}

// samePassword says whether a password is the one of a hash. It takes as long for "", of an account that does not exist or has none.
func samePassword(ctx context.Context, hash, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, passwordIn)
	defer cancel()
	return secret.Verify(ctx, hash, password)
}
