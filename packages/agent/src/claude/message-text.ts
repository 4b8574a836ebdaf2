import type { HostMessage } from "../host/agent-host.ts";

/** A message as the model gets it: the text as it was written, after who wrote it. */
export function messageText(message: HostMessage): string {
  if (message.from === null) return message.text;
  return `From ${message.from.replaceAll(/\s+/g, " ").trim()}:\n\n${message.text}`;
}

/**
 * A message that the conversation has already, for a host that hands it over again all the same. The
 * SDK would report the very same entry as completed and ask the model nothing (measured).
 */
export function repeatedMessageText(message: HostMessage): string {
  return `Your program was ended while it worked on the message below, which you had before. See what of it is done already before you do anything again, then go on with it.\n\n${messageText(message)}`;
}
