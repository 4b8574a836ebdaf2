// The agent that talks: run by a transport, never by hand. Each message says how much it shall say;
// a message "enough" ends the talk.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAgent } from "@waybill/ipc-fs/agent";
import { eventText, startsFile } from "./transport-events.ts";

const channel = await connectAgent();
// Its own note that it ran, beside what any host believes.
appendFileSync(join(process.env["WAYBILL_STATE"] ?? ".", startsFile), `${channel.start.run}\n`);
await channel.hello({ agent: "chaos", context: "fresh", holds: [] });

let enough = false;
let talking: Promise<void> | null = null;

for await (const letter of channel.letters()) {
  if (letter.type === "message") {
    if (letter.text === "enough") {
      enough = true;
      await channel.accepted("enough", letter.id);
      await channel.turnEnded({ turn: "enough", outcome: "completed", text: "" });
    } else {
      await channel.accepted("talk", letter.id);
      talking = talk(Number(letter.text));
    }
  } else if (letter.type === "close") {
    await talking;
    await channel.bye();
    process.exit(0);
  }
}

/** Says so many events, and goes on until it was told that this is enough; one that has none to say stops at once. */
async function talk(atLeast: number): Promise<void> {
  let said = 0;
  while (isWanted(said, atLeast)) {
    said += 1;
    await channel.turnEnded({ turn: `e${said}`, outcome: "completed", text: eventText(said) });
    await sleep(5);
  }
  await channel.turnEnded({ turn: "talk", outcome: "completed", text: String(said) });
}

function isWanted(said: number, atLeast: number): boolean {
  return said < atLeast || (atLeast > 0 && !enough);
}
