/** What the demo's orchestrator process reads as the first line of its standard input. */
export interface OrchestratorTerms {
  /** The folder of the log, the mailbox and everything else. */
  readonly data: string;
  readonly tracker: { readonly url: string; readonly token: string };
  readonly model: {
    readonly upstream: string;
    readonly credential: { readonly apiKey: string } | { readonly oauthToken: string };
    /** The folder of the gateway. */
    readonly root: string;
  };
  readonly docker: boolean;
  readonly session: string;
  readonly scope: { readonly chats: readonly string[]; readonly tasks: readonly string[] };
  /** The last event that the audience has seen. */
  readonly after: number;
}

/** What the demo tells its orchestrator process afterwards, a JSON line each. */
export type Cue =
  | { readonly cue: "open" }
  | { readonly cue: "send"; readonly text: string; readonly key: string }
  | { readonly cue: "close" }
  | { readonly cue: "leave" };
