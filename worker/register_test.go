package worker

import (
	"testing"

	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/countersign-health/countersign/workflows"
)

// The SDK panics on an errand or a contract that it cannot call, or on two of
// one name; it does so only when a real worker registers them.
func TestRegister(t *testing.T) {
	c, err := client.NewLazyClient(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// With versioning it panics, too, on a contract that does not say whether
	// it stays with its build.
	version := sdk.WorkerDeploymentVersion{DeploymentName: Deployment, BuildID: "one"}
	w := sdk.New(c, workflows.TaskQueue, sdk.Options{DeploymentOptions: sdk.DeploymentOptions{UseVersioning: true, Version: version}})
	Register(w, &Errands{})
	defer func() {
		if recover() == nil {
			t.Error("registered twice without a complaint: nothing was registered")
		}
	}()
	Register(w, &Errands{})
}
