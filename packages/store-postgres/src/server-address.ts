import type { ClientConfig } from "pg";

/** Which server and which database, in parts. What is left out comes from libpq's variables, such as `PGHOST`. */
export interface PostgresServer {
  /** A host name, or the folder of a unix socket. */
  readonly host?: string;
  /** Default: 5432. */
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** As text, or asked for at every new connection, for passwords that change. Default: `PGPASSWORD` or `~/.pgpass`. */
  readonly password?: string | (() => string | Promise<string>);
}

/** How the connection is encrypted and who is trusted, as in Node's `tls.connect`; all in PEM. */
export interface PostgresTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  /** Whether the server's certificate is checked. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

/** Where the server is, and how it is reached. */
export interface ServerAddress {
  /** `postgres://user@host:5432/database`. */
  readonly url?: string;
  /** The same in parts. */
  readonly server?: PostgresServer;
  readonly tls?: boolean | PostgresTls;
}

/** The address as the driver takes it. Throws a `TypeError` unless there is exactly one. */
export function clientConfigOf({ url, server, tls }: ServerAddress): ClientConfig {
  if ((url === undefined) === (server === undefined)) {
    throw new TypeError("postgresStore() needs either a url or a server, and not both.");
  }
  return {
    ...(url === undefined ? server : { connectionString: url }),
    ...(tls === undefined ? {} : { ssl: typeof tls === "boolean" ? tls : { ...tls } }),
    application_name: "waybill",
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}
