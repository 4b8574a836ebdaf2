import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "./api-error.ts";

const PIPELINED = {
  status: 400,
  reason: "pipelined",
  message: "a connection carries one request at a time.",
};

/** Sees to it that a connection carries one request at a time. */
export interface PipelineGuard {
  /**
   * Null for a request that may pass; its refusal where the one before it is not answered yet; `cut`
   * where that has happened before: the connection is ended then and there.
   */
  enter(request: IncomingMessage, response: ServerResponse): Refusal | "cut" | null;
  isAnswering(socket: Duplex): boolean;
}

/**
 * No honest client pipelines, and each queued request would hold memory behind a slow answer. The
 * first one too many is refused in its turn and ends the connection; another one ends it at once.
 */
export function pipelineGuard(): PipelineGuard {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const doomed = new WeakSet<Duplex>();
  const isAnswering = (socket: Duplex): boolean => latest.get(socket)?.writableEnded === false;
  return {
    isAnswering,
    enter(request, response) {
      const { socket } = request;
      if (doomed.has(socket)) {
        socket.destroy();
        return "cut";
      }
      if (!isAnswering(socket)) {
        latest.set(socket, response);
        return null;
      }
      doomed.add(socket);
      response.shouldKeepAlive = false;
      return PIPELINED;
    },
  };
}
