/** All that the Claude Agent SDK asks of the model API (seen with 0.3.330: only the first two). */
export const MODEL_PATHS: readonly string[] = [
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
];
