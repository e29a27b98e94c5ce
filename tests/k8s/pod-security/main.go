// pod-security says what Kubernetes itself would: it asks the evaluator of Pod Security admission, at the
// level restricted of the newest version.
//
// usage: pod-security <PODS
//
// PODS is a list in JSON of objects with the members `name` and `template`, a pod's template. Says each
// refusal in a line, and ends with 1 when there is one, or no pod.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type pod struct {
	Name     string
	Template corev1.PodTemplateSpec
}

func read() ([]pod, error) {
	var pods []pod
	if err := json.NewDecoder(os.Stdin).Decode(&pods); err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, fmt.Errorf("there is no pod to look at")
	}
	return pods, nil
}

func refused(pods []pod) (int, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return 0, err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	faults := 0
	for _, pod := range pods {
		result := policy.AggregateCheckResults(
			evaluator.EvaluatePod(restricted, &pod.Template.ObjectMeta, &pod.Template.Spec))
		if !result.Allowed {
			fmt.Printf("pod-security: %s: %s\n", pod.Name, result.ForbiddenDetail())
			faults++
		}
	}
	return faults, nil
}

func main() {
	pods, err := read()
	faults := 0
	if err == nil {
		faults, err = refused(pods)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "pod-security: %v\n", err)
		os.Exit(69)
	}
	fmt.Printf("pod-security: %d pods, %d refused\n", len(pods), faults)
	if faults > 0 {
		os.Exit(1)
	}
}
