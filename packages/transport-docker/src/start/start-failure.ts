import { WaybillError } from "@waybill/core";
import type { FailureClass, RunHandle, RunPlan } from "@waybill/core";
import { excerpt } from "../engine/failure.ts";
import type { Settings } from "../options.ts";
import { startLineCode } from "./start-line.ts";

/** The run was stopped or removed, or ran before: its id can never start again. */
export function runEnded(run: RunHandle): WaybillError {
  return new WaybillError(
    "RUN_ENDED",
    `The run ${run.runId} was stopped, removed or run before, and can never start again. Start a new run.`,
    { details: { runId: run.runId } },
  );
}

/** The engine has no such image. */
export function imageMissing({ image, build }: Settings): WaybillError {
  return new WaybillError(
    "IMAGE_MISSING",
    `The image ${image} is not there. Make it with: ${build}`,
    { details: { image, build } },
  );
}

/** The start line gave up before the program ran, with one of its own codes. */
export function startLineFailed(plan: RunPlan, exitCode: number, program: string): WaybillError {
  if (exitCode === startLineCode.command) return commandNotFound(plan, program);
  if (exitCode === 126 || exitCode === 127) return commandNotFound(plan, "/bin/sh");
  if (exitCode === startLineCode.marker) {
    return startFailed(
      plan,
      `the marker could not be made in ${plan.launch.host}. See that the run's user may write there`,
    );
  }
  if (exitCode === startLineCode.lease) {
    return startFailed(
      plan,
      "its lease has ended. Whoever holds the session starts it anew",
      "transient",
    );
  }
  const streams = [plan.stdin.host, plan.stdout.host, plan.stderr.host].join(", ");
  return startFailed(
    plan,
    `a stream could not be opened. See that the run's user may read the first and write the others of ${streams}`,
  );
}

/** The engine could not make or start the container, and said why. */
export function engineCouldNotStart(plan: RunPlan, said: string, program: string): WaybillError {
  const words = excerpt(said);
  if (noSuchProgram.test(words)) return commandNotFound(plan, "/bin/sh", words);
  return startFailed(plan, `"${program}" said: ${words}`, classOf(said));
}

/** The run's program is not in the image. */
function commandNotFound(plan: RunPlan, command: string, said?: string): WaybillError {
  const details = { runId: plan.runId, command, ...(said === undefined ? {} : { said }) };
  return new WaybillError(
    "COMMAND_NOT_FOUND",
    `The run ${plan.runId} could not start: its image has no executable ${command}. Mend the image, or give the program as command.`,
    { details },
  );
}

function startFailed(plan: RunPlan, why: string, kind: FailureClass = "permanent"): WaybillError {
  return new WaybillError("START_FAILED", `The run ${plan.runId} could not start: ${why}.`, {
    class: kind,
    details: { runId: plan.runId },
  });
}

/** Whether the engine refused since the name belongs to another container, of this run perhaps. */
export function isNameTaken(said: string): boolean {
  return /name .*already in use/iu.test(said);
}

const noSuchProgram = /exec: .*(?:no such file or directory|not found)/iu;

function classOf(said: string): FailureClass {
  // Where the command line was cut off, the engine may be making the container still.
  if (said.trim() === "" || cutOff.test(said)) return "unknown";
  return short.test(said) || isNameTaken(said) ? "transient" : "permanent";
}

const cutOff =
  /EOF|connection re(?:fused|set)|broken pipe|timed out|timeout|is the docker daemon/iu;

const short = /no space left|cannot allocate memory|resource temporarily|too many open|removal/iu;
