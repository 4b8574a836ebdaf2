import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

/** Connections to the upstreams, kept open between requests and shared by all runs. */
export interface UpstreamAgents {
  for(upstream: URL): HttpAgent;
}

/** Makes the connection pools. A connection that was idle for a minute is closed by us, not by surprise. */
export function upstreamAgents(): UpstreamAgents {
  const options = { keepAlive: true, keepAliveMsecs: 15_000, timeout: 60_000 };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);
  return { for: (upstream) => (upstream.protocol === "https:" ? https : http) };
}
