/**
 * Agents of the bench, all in one process of their own: each speaks protocol 1 through its own
 * mailbox folders, as an agent in a container does, and sends as many messages as it is told to.
 */
import { connectAgent } from "@waybill/ipc-fs/agent";

process.on("message", (start: { runId: string; env: Record<string, string>; stdin: string }) => {
  void live(start.env, start.stdin).then(
    () => process.send?.({ runId: start.runId, failed: null }),
    (error: unknown) => process.send?.({ runId: start.runId, failed: String(error) }),
  );
});

async function live(env: Record<string, string>, stdin: string): Promise<void> {
  const channel = await connectAgent({ env, stdin });
  await channel.hello({ agent: "bench", context: "fresh", holds: [] });
  for await (const letter of channel.letters()) {
    if (letter.type !== "message") continue;
    const turn = `turn-${letter.id}`;
    await channel.accepted(turn, letter.id);
    for (let left = Number(letter.text); left > 0; left -= 1) {
      const asked = performance.timeOrigin + performance.now();
      const answer = await channel.operation({
        type: "chat.send",
        chat: "general",
        content: String(asked),
      });
      if (answer.status !== "delivered") throw new Error(`An operation was ${answer.status}.`);
    }
    await channel.turnEnded({ turn, outcome: "completed", text: "done" });
  }
  await channel.bye();
}
