// Package agent puts Telltale into a program: health, readiness, metrics and
// profiles on one address, and the same metrics pushed to OpenTelemetry
// collectors.
//
//	a, err := agent.Start(ctx, agent.Config{DiagAddr: "127.0.0.1:3000", Components: []string{"auth"}})
//	if err != nil {
//		return err
//	}
//	defer a.Shutdown(context.Background())
//
//	auth := a.Health().Component("auth")
//	go auth.Run(ctx, ping)
//	instruments.UserLogins.In(a.Instruments()).Inc()
//
// The agent introduces the other packages to each other: it observes the states
// of package health into metrics of package instruments, and gives those to the
// readers of package exporters. It sets nothing that is global to the process
// unless [WithGlobals] asks for it, so that any number of agents can live side
// by side.
package agent
