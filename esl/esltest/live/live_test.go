package live_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"maskline/esl/esltest"
	"maskline/esl/esltest/live"
)

// TestLive runs the suite on the FreeSWITCH that MASKLINE_FREESWITCH names.
func TestLive(t *testing.T) {
	binary := os.Getenv("MASKLINE_FREESWITCH")
	if binary == "" {
		fmt.Println("esltest: no FreeSWITCH: set MASKLINE_FREESWITCH=/path/to/freeswitch to run the suite on it")
		t.Skip("MASKLINE_FREESWITCH is not set")
	}
	if _, err := exec.LookPath("sipp"); err != nil {
		t.Fatal("sipp is not installed")
	}
	esltest.Run(t, live.Start(t, binary, "../../.."))
}
