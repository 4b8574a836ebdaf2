import { planEnvironment, type RunPlan } from "@waybill/core";
import type { ContractProgram, FakeProgram, FakeRun } from "@waybill/core/testing";

/** What acted programs read and write, by path: a fake machine has no disk. */
export type Disk = Map<string, string>;

/** A program of the transport contract, acted out in a fake run. */
export function actedProgram(program: ContractProgram, disk: Disk): FakeProgram {
  return {
    begin(run, plan) {
      write(disk, plan.stdout.host, "ready\n");
      if (program.do === "exit") run.end(exited(program.code));
      if (program.do === "die") run.end({ exitCode: null, signal: "SIGKILL", oomKilled: false });
      if (program.do === "show") show(run, plan, disk);
    },
    term(run) {
      if (program.do !== "ignore_term") run.end(exited(0));
    },
  };
}

/** Tells what it finds by the plan that it was started with, and by nothing else. */
function show(run: FakeRun, plan: RunPlan, disk: Disk): void {
  const environment = planEnvironment(plan, "host");
  const cwd = plan.folders.find(({ at }) => at === plan.cwd)?.host;
  const lines = [
    `stdin ${disk.get(plan.stdin.host) ?? ""}`,
    `by path ${disk.get(environment["CONTRACT_LETTER"] ?? "") ?? ""}`,
    `by cwd ${disk.get(`${cwd}/letter.txt`) ?? ""}`,
    ...Object.entries(environment).map(([name, value]) => `env ${name}=${value}`),
  ];
  for (const line of lines) write(disk, plan.stdout.host, `${line}\n`);
  write(disk, plan.stderr.host, "a word of complaint\n");
  run.end(exited(0));
}

function write(disk: Disk, path: string, text: string): void {
  disk.set(path, (disk.get(path) ?? "") + text);
}

function exited(exitCode: number): Parameters<FakeRun["end"]>[0] {
  return { exitCode, signal: null, oomKilled: false };
}
