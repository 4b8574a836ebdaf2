export { transportContract } from "./transport-contract.ts";
export type {
  ContractPlanRequest,
  TransportContractOptions,
  TransportFixture,
} from "./transport-contract.ts";
export { contractShell } from "./transport-contract/programs.ts";
export type { ContractProgram } from "./transport-contract/programs.ts";
export { eventStoreContract } from "./event-store-contract.ts";
export type { EventStoreContractOptions, EventStoreFixture } from "./event-store-contract.ts";
export { given } from "./given.ts";
export type { Given, When } from "./given.ts";
export { manualClock } from "./manual-clock.ts";
export type { ManualClock, ManualClockOptions } from "./manual-clock.ts";
export { Ledger } from "./ledger.ts";
export type { Book, MessageEntry, OperationEntry, RunEntry } from "./ledger/book.ts";
export { fakeWorld } from "./fakes/fake-world.ts";
export type { FakeSite, FakeWorld, FakeWorldOptions, Sleeper } from "./fakes/fake-world.ts";
export { FakeGateway, fakeGateway } from "./fakes/fake-gateway.ts";
export type {
  FakeGatewayOptions,
  FakeModelAnswer,
  FakeModelRequest,
} from "./fakes/fake-gateway.ts";
export type { NewReading } from "./fakes/fake-books.ts";
export { FakeHost } from "./fakes/fake-host.ts";
export type { FakeProgram } from "./fakes/fake-program.ts";
export type { FakeRun } from "./fakes/fake-run.ts";
export { playOut } from "./fakes/play-out.ts";
export type { PlayOptions } from "./fakes/play-out.ts";
export type { Forecast, Weather } from "./fakes/weather.ts";
export {
  chat,
  exit,
  fail,
  flood,
  hang,
  leave,
  mute,
  operation,
  reply,
  spend,
  stillborn,
  work,
} from "./fakes/script.ts";
export type { Step } from "./fakes/script.ts";
export { trackerContract } from "./tracker-contract.ts";
export type {
  ContractEntry,
  ContractFault,
  ContractPeople,
  ContractTask,
  TrackerContractOptions,
  TrackerFixture,
} from "./tracker-contract.ts";
export { performUntilDone } from "./tracker-contract/perform-until-done.ts";
export type { Performed } from "./tracker-contract/perform-until-done.ts";
export { fakeTracker } from "./fake-tracker.ts";
export type { FakeTracker, FakeTrackerOptions } from "./fake-tracker.ts";
export type { FakeTrackerFault } from "./fake-tracker/faults.ts";
export type { FakeHappenings } from "./fake-tracker/events.ts";
export { fakeBoard } from "./fake-tracker/board.ts";
export type { FakeBoard, FakeChange, FakeEntry, FakeTask } from "./fake-tracker/board.ts";
export { mailboxContract } from "./mailbox-contract.ts";
export type {
  ContractAgent,
  ContractLetter,
  MailboxContractOptions,
  MailboxFixture,
  SpokenWord,
} from "./mailbox-contract.ts";
export { gatewayContract } from "./gateway-contract.ts";
export { contractTerms } from "./gateway-contract/terms.ts";
export type { ContractAsk, GatewayContractOptions, GatewayFixture } from "./gateway-contract.ts";
