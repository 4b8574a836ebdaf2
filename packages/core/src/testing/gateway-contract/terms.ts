/** What the gateway contract expects a fixture's gateway to allow, and to charge. */
export const contractTerms = {
  /** The one model that may be asked for. */
  model: "contract-model",
  /** One that may not. */
  otherModel: "contract-other",
  /** What a token of any kind costs, in US dollars. */
  usdPerToken: 0.001,
} as const;
