// Command stand-in takes the place of three commands of the images in
// docker-compose.yml, by the name that it is called by, and does exactly what
// the file and deploy ask of them; it refuses everything else.
//
//	temporal operator namespace describe|create --namespace NAME [--retention 720h]   (its module cannot be built from outside)
//	nc -z HOST PORT                                                                   (busybox)
//	wget -q -O /dev/null URL                                                          (busybox)
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	namespacepb "go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	name := filepath.Base(os.Args[0])
	if err := run(ctx, name, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s (stand-in): %v\n", name, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	switch line := name + " " + strings.Join(args, " "); {
	case name == "nc" && len(args) == 3 && args[0] == "-z":
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(args[1], args[2]))
		if err != nil {
			return err
		}
		return c.Close()
	case name == "wget" && len(args) == 4 && strings.Join(args[:3], " ") == "-q -O /dev/null":
		return get(ctx, args[3])
	case strings.HasPrefix(line, "temporal operator namespace describe --namespace ") && len(args) == 5:
		return describe(ctx, args[4])
	case strings.HasPrefix(line, "temporal operator namespace create --namespace ") && len(args) == 7 && args[5] == "--retention":
		return create(ctx, args[4], args[6])
	default:
		return fmt.Errorf("it does not know %q", line)
	}
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

func frontend() (namespacepb.WorkflowServiceClient, error) {
	conn, err := grpc.NewClient("passthrough:///"+os.Getenv("TEMPORAL_ADDRESS"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return namespacepb.NewWorkflowServiceClient(conn), nil
}

func describe(ctx context.Context, namespace string) error {
	c, err := frontend()
	if err != nil {
		return err
	}
	_, err = c.DescribeNamespace(ctx, &namespacepb.DescribeNamespaceRequest{Namespace: namespace})
	return err
}

func create(ctx context.Context, namespace, retention string) error {
	keep, err := time.ParseDuration(retention)
	if err != nil {
		return err
	}
	c, err := frontend()
	if err != nil {
		return err
	}
	_, err = c.RegisterNamespace(ctx, &namespacepb.RegisterNamespaceRequest{Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(keep)})
	return err
}
