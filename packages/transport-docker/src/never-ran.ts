import type { RunHandle } from "@waybill/core";
import type { Container } from "./engine/container.ts";
import { label } from "./records/labels.ts";
import { readMarker } from "./records/marker.ts";
import { startLineCode } from "./start/start-line.ts";

/** Whether a container that does not run now never became the run's program. */
export async function neverRan(run: RunHandle, container: Container): Promise<boolean> {
  if (container.status === "created") return true;
  const code = container.exitCode;
  const marker = await readMarker(run);
  if (marker === container.labels[label.token]) return false;
  // Without a shell in the image the start line itself cannot run.
  if (marker === null && (code === 126 || code === 127)) return true;
  return Object.values(startLineCode).some((own) => own === code);
}
