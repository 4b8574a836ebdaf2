import type { SessionLoop } from "./session-loop.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Asks the session's run to finish and waits until it is over; its own deadlines see to that. */
export async function endRun(loop: SessionLoop, reader: StreamReader): Promise<void> {
  const { version } = loop.state;
  await loop.submit({ type: "StopRun", reason: "shutdown" });
  const done = async (): Promise<boolean> => loop.state.run === null;
  for await (const _ of reader.read(loop.id, { after: version, done })) {
    // The end of the run is what is waited for.
  }
}
