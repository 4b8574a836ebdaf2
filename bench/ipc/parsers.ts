import { frameParser, readWord } from "@waybill/ipc-fs/protocol";
import type { Round } from "../bench-line.ts";

const MEGABYTE = 1_000_000;

/** MB/s of the frame parser and of the envelope parser, and of a bare split at newlines. */
export function parserRounds(
  rounds: number,
): Readonly<Record<"noise" | "frames" | "words", Round[]>> {
  const noise = Buffer.from(`${"n".repeat(99)}\n`.repeat(100_000));
  const output = JSON.stringify({ status: "success", result: "x".repeat(400) });
  const frame = `---AGENT_OUTPUT_START---\n${output}\n---AGENT_OUTPUT_END---\n`;
  const frames = Buffer.from(frame.repeat(20_000));
  const data = { turn: "t", outcome: "completed", text: "Готово ".repeat(300) };
  const word = Buffer.from(JSON.stringify({ v: 1, seq: 1, type: "turn_ended", at: 0, data }));
  const all = { noise: [] as Round[], frames: [] as Round[], words: [] as Round[] };
  for (let round = 0; round < rounds; round += 1) {
    const parse = (bytes: Buffer) => () => void frameParser(0).push(bytes);
    all.noise.push({
      value: rate(noise.length, parse(noise)),
      baseline: rate(noise.length, split(noise)),
    });
    all.frames.push({
      value: rate(frames.length, parse(frames)),
      baseline: rate(frames.length, split(frames)),
    });
    const readAll = (): void => {
      for (let index = 0; index < 2_000; index += 1) readWord(word, 1);
    };
    all.words.push({ value: rate(word.length * 2_000, readAll), baseline: null });
  }
  return all;
}

function rate(bytes: number, act: () => void): number {
  const begun = performance.now();
  act();
  return bytes / MEGABYTE / ((performance.now() - begun) / 1_000);
}

function split(bytes: Buffer): () => void {
  return () => {
    const lines: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const newline = bytes.indexOf(10, at);
      lines.push(bytes.subarray(at, newline));
      at = newline + 1;
    }
  };
}
