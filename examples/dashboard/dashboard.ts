import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import { openView, overview, type Overview, type View } from "@waybill/core";
import { sqliteReader } from "@waybill/store-sqlite";
import { page } from "./page.ts";

/** Which store to show, and where. */
export interface DashboardOptions {
  /** The store's file. Its owner may work meanwhile. */
  readonly path: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** A page on the loopback interface. Leaving its scope ends it. */
export interface Dashboard extends AsyncDisposable {
  readonly url: string;
}

/** Opens the dashboard. Throws `STORE_MISSING` where there is no store. */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const reader = sqliteReader({ path: options.path });
  await reader.open();
  const view = await openView({ log: reader, projection: overview });
  const server = createServer((request, response) => {
    if (request.url === "/") return send(response, "text/html; charset=utf-8", page);
    if (request.url === "/overview.json")
      return send(response, "application/json", JSON.stringify(tableOf(view.state)));
    if (request.url === "/events") return stream(view, response);
    response.writeHead(404).end();
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await view.close();
      await reader.close();
    },
  };
}

/** What the page shows. */
function tableOf(state: Overview): object {
  return {
    sessions: state.sessions({ ended: true }),
    agents: [...state.agents()].map(([slug, totals]) => ({ slug, ...totals })),
    approvals: state.approvals(),
    outbox: state.outbox(),
    deadLetters: state.deadLetters(),
  };
}

/** Sends the table whenever something has changed: at most ten times a second. */
function stream(view: View<Overview>, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let timer: NodeJS.Timeout | null = null;
  const tell = (): void => {
    timer = null;
    response.write(`data: ${JSON.stringify(tableOf(view.state))}\n\n`);
  };
  const off = view.onChange(() => (timer ??= setTimeout(tell, 100)));
  response.on("close", () => {
    off();
    if (timer !== null) clearTimeout(timer);
  });
  tell();
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
}
