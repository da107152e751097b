import { nameProcess, type Restartable } from "#test/support/cluster-process.ts";
import type { Component, Process } from "../world.ts";

/** Names a process of a world, and answers it; `isReady` says whether it takes work. */
export type AddProcess = (
  name: string,
  component: Component,
  server: Restartable,
  isReady: Process["isReady"],
) => Process;

/** Adds each process to the list. */
export function addTo(processes: Process[]): AddProcess {
  return (name, component, server, isReady) => {
    const running = nameProcess(name, server);
    const process = {
      ...running,
      component,
      isReady,
      get pid() {
        return running.pid;
      },
    };
    processes.push(process);
    return process;
  };
}
