import { execa } from "execa";

/** A network of its own, as a second machine has: what runs in it reaches this one at `gateway` alone. */
export interface SecondHost extends AsyncDisposable {
  /** This machine's address, seen from there. */
  readonly gateway: string;
  /** What to put before a command so that it runs there. */
  readonly prefix: readonly string[];
}

/** Makes a network namespace and one cable to it; null, with the reason told, where that is not allowed. */
export async function secondHost(tell: (text: string) => void): Promise<SecondHost | null> {
  const name = `wbchaos${process.pid}`;
  const cable = `wbc${process.pid}`;
  // A block for documentation that nobody routes (RFC 5737), one /30 of it for each process.
  const block = (process.pid % 60) * 4;
  const gateway = `198.51.100.${block + 1}`;
  const undo = async (): Promise<void> => {
    await execa("ip", ["netns", "del", name], { reject: false });
    await execa("ip", ["link", "del", cable], { reject: false });
  };
  try {
    const ip = (...args: string[]): Promise<unknown> => execa("ip", args);
    await ip("netns", "add", name);
    await ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name);
    await ip("addr", "add", `${gateway}/30`, "dev", cable);
    await ip("link", "set", cable, "up");
    const inside = ["netns", "exec", name, "ip"];
    await ip(...inside, "addr", "add", `198.51.100.${block + 2}/30`, "dev", "eth0");
    await ip(...inside, "link", "set", "eth0", "up");
    await ip(...inside, "link", "set", "lo", "up");
  } catch (error) {
    await undo();
    tell(`No network namespace could be made, so all share one: ${String(error).split("\n")[0]}`);
    return null;
  }
  return { gateway, prefix: ["ip", "netns", "exec", name], [Symbol.asyncDispose]: undo };
}
