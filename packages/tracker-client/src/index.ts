export { httpTracker } from "./http-tracker.ts";
export type { HttpTrackerOptions } from "./http-tracker.ts";
export type { FollowOptions } from "./events/follow.ts";
export type { TokenSource } from "./token-source.ts";
export type { BoardMessage, BoardTask } from "./board-shapes.ts";
