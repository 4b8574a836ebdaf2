import type { Socket } from "node:net";

/**
 * Takes a connection's lines one by one, without their ends. A line that grows beyond `limit`
 * characters ends the connection.
 */
export function eachLine(socket: Socket, limit: number, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > limit) socket.destroy();
    for (const line of lines) take(line);
  });
}
