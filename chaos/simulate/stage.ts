import { createOrchestrator, isWaybillError, type Orchestrator } from "@waybill/core";
import {
  fakeBoard,
  fakeTracker,
  fakeWorld,
  type FakeBoard,
  type FakeWorld,
} from "@waybill/core/testing";
import { dice, type Dice } from "./dice.ts";
import { forecastOf } from "./forecast.ts";
import { scriptsOf, shared, type Part, type Plot } from "./plot.ts";
import { playUsers, type Life } from "./life.ts";
import { Porter } from "./porter.ts";
import { insist, lookAfter } from "./user.ts";
import { logOf, type View } from "./verdict.ts";
import { witnessed } from "./witness.ts";

/** A plot on stage: a world, whoever is alive in it, and what happens to them. */
export class Stage {
  readonly plot: Plot;
  readonly board: FakeBoard;
  readonly world: FakeWorld;
  /** What happened, a line for each act. */
  readonly story: string[] = [];
  /** How often a transcript was lost. */
  forgotten = 0;
  /** Somebody at the door of each orchestrator. */
  readonly porters: Porter[] = [];
  /** What was done before it was recorded. */
  readonly rash: string[] = [];
  readonly #lives: Life[] = [];
  readonly #roll: Dice;
  readonly #calm: () => void;
  readonly #start: number;

  constructor(plot: Plot) {
    this.plot = plot;
    this.#roll = dice(plot.seed, "acts");
    const { forecast, calm } = forecastOf(plot, dice(plot.seed, "weather"));
    this.#calm = calm;
    const numbers = plot.parts.map(({ session }) => session.slice(1));
    this.board = fakeBoard([...numbers, shared.chat, "forbidden"], [...numbers, shared.task]);
    const clocks = dice(plot.seed, "clocks");
    const errors: number[] = [];
    this.world = fakeWorld(scriptsOf(plot), {
      tracker: () =>
        fakeTracker({ board: this.board, keys: plot.keys, now: () => this.world.clock.now() }),
      weather: forecast,
      leaseMs: 30_000,
      clockError: (life) =>
        (errors[life] ??= clocks.chance(0.2) ? clocks.between(-3_600_000, 3_600_000) : 0),
    });
    this.#start = this.world.clock.now();
  }

  /** Whether everybody who is awake has come to the end of the users' programs. */
  get done(): boolean {
    return this.#awake.length > 0 && this.#awake.every(({ isDone }) => isDone);
  }

  /** How many lives there were. */
  get lives(): number {
    return this.#lives.length;
  }

  /** Simulated hours so far. */
  get hours(): number {
    return (this.world.clock.now() - this.#start) / 3_600_000;
  }

  /** Something happens, then time passes. */
  async act(): Promise<void> {
    const fate = this.#roll.between(1, 20);
    const present = this.#present;
    if (present === undefined && (fate > 4 || this.lives === 0)) this.#rise();
    else if (fate <= 2) this.#kill("the orchestrator is killed");
    else if (fate <= 4 && this.plot.keys) this.#freeze();
    else if (fate <= 6) this.#wakeOne();
    else if (fate === 7) this.#endOne();
    else if (fate <= 9) this.#killAgent();
    else if (fate === 10) this.#forget();
    else if (fate === 11 && present !== undefined) await this.#leave(present);
    else if (fate === 12) await this.#longAbsence();
    else if (fate === 13) this.#interrupt();
    const ms = this.#roll.pick([
      1,
      this.#roll.between(1, 300),
      this.#roll.between(300, 5_000),
      this.#roll.between(5_000, 60_000),
      300_000,
    ]);
    await this.world.advance({ ms });
  }

  /** From now on nothing goes wrong any more: sleepers wake or die, and somebody is up. */
  settleDown(): void {
    this.story.push("-- from here on nothing goes wrong --");
    this.#calm();
    while (this.#asleep.length > 0) {
      if (this.#roll.chance(0.5)) this.#wakeOne();
      else this.#endOne();
    }
    if (this.#present === undefined) this.#rise();
  }

  /** What each orchestrator that is awake takes to be the state of each session. */
  async states(): Promise<readonly ReadonlyMap<string, View>[]> {
    const views: ReadonlyMap<string, View>[] = [];
    for (const { orchestrator } of this.#awake) {
      const own = new Map<string, View>();
      for (const { session } of this.plot.parts) {
        const { length } = await logOf(this.world, session);
        const state = await orchestrator?.session(session).state();
        if (state !== undefined) own.set(session, { state, recorded: length });
      }
      views.push(own);
    }
    return views;
  }

  /** Everybody leaves. */
  async end(): Promise<void> {
    for (const life of this.#awake) await this.#leave(life);
    await this.world.store.open(); // for whoever judges
  }

  /** The life that `world.ports()` stands for; those that woke from a sleep are awake as well. */
  get #present(): Life | undefined {
    return this.#lives.findLast(({ state }) => state === "present");
  }

  get #awake(): readonly Life[] {
    return this.#lives.filter(({ state }) => state === "present" || state === "woken");
  }

  get #asleep(): readonly Life[] {
    return this.#lives.filter(({ state }) => state === "asleep");
  }

  #tell(what: string): void {
    const seconds = (this.world.clock.now() - this.#start) / 1_000;
    this.story.push(`${seconds.toFixed(3)}s ${what}`);
  }

  #rise(): void {
    const ports = this.world.ports();
    const life: Life = { number: this.lives + 1, state: "present", ports, isDone: false, plays: 0 };
    this.#lives.push(life);
    this.#tell(`life ${life.number} begins`);
    void this.#live(life);
  }

  async #live(life: Life): Promise<void> {
    const { clock = this.world.clock } = life.ports;
    const orchestrator = await insist(() => this.#create(life), clock);
    life.orchestrator = orchestrator;
    void lookAfter(orchestrator, this.plot.parts, clock);
    playUsers(life, orchestrator, this.plot.parts);
  }

  /** What failed once was closed: the present life is given new ports, one that slept gives up. */
  async #create(life: Life): Promise<Orchestrator> {
    const porter = new Porter(life.ports);
    this.porters.push(porter);
    const { limits } = this.plot;
    const options = porter.beside({ ...life.ports, limits });
    const tell = (problem: string): void => void this.rash.push(problem);
    try {
      const orchestrator = await createOrchestrator(witnessed(options, this.world.store, tell));
      porter.listen(orchestrator);
      return orchestrator;
    } catch (error) {
      if (life.state === "present") life.ports = this.world.ports();
      else if (life.state === "woken") this.#end(life);
      throw error;
    }
  }

  #kill(why: string): void {
    const life = this.#present;
    if (life === undefined) return;
    this.#tell(why);
    this.world.crash();
    this.#bury(life);
  }

  #freeze(): void {
    const life = this.#present;
    if (life === undefined) return;
    this.#tell(`life ${life.number} is frozen`);
    life.sleeper = this.world.freeze();
    life.state = "asleep";
  }

  #wakeOne(): void {
    const [life] = this.#asleep;
    if (life === undefined) return;
    this.#tell(`life ${life.number} wakes`);
    life.state = "woken";
    life.sleeper?.wake();
  }

  #endOne(): void {
    const life = this.#lives.find(({ state }) => state === "asleep" || state === "woken");
    if (life === undefined) return;
    this.#tell(`life ${life.number} is killed`);
    this.#end(life);
  }

  #end(life: Life): void {
    life.sleeper?.crash();
    this.#bury(life);
  }

  /** Users whose process is gone go on from the top with one that is there. */
  #bury(life: Life): void {
    life.state = "gone";
    if (life.isDone) return;
    const heir = this.#awake.find(({ orchestrator }) => orchestrator !== undefined);
    if (heir?.orchestrator !== undefined) playUsers(heir, heir.orchestrator, this.plot.parts);
  }

  #killAgent(): void {
    const live = this.world.host.live();
    const run = live[this.#roll.between(0, Math.max(live.length - 1, 0))];
    if (run === undefined) return;
    const oomKilled = this.#roll.chance(0.3);
    this.#tell(`${run.spec.runId} is killed`);
    run.end({ exitCode: null, signal: "SIGKILL", oomKilled });
  }

  #forget(): void {
    const part = this.#anyPart();
    this.forgotten += 1;
    this.#tell(`${part.agent} loses its transcripts`);
    this.world.host.brain(part.agent).forget();
  }

  #interrupt(): void {
    const part = this.#anyPart();
    const orchestrator = this.#present?.orchestrator;
    if (orchestrator === undefined) return;
    this.#tell(`${part.session} is interrupted`);
    void orchestrator.session(part.session).interrupt().catch(onlyOurs);
  }

  #anyPart(): Part {
    const [first, ...rest] = this.plot.parts;
    if (first === undefined) throw new TypeError("A plot has at least one part.");
    return this.#roll.pick([first, ...rest]);
  }

  async #longAbsence(): Promise<void> {
    this.#kill("the orchestrator is killed, and nobody is there for hours");
    await this.world.advance({ minutes: this.#roll.between(30, 240) });
  }

  /** Detaches as a program does that ends well, half of the time with its runs. */
  async #leave(life: Life): Promise<void> {
    const { orchestrator, state } = life;
    if (orchestrator === undefined) return;
    const isShutdown = this.#roll.chance(0.5);
    this.#tell(`life ${life.number} ${isShutdown ? "shuts down" : "detaches"}`);
    life.state = "gone";
    const left = isShutdown ? orchestrator.shutdown() : orchestrator[Symbol.asyncDispose]();
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    left.then(over, over);
    for (let second = 0; !isOver && second < 300; second += 1) {
      await this.world.advance({ seconds: 1 });
    }
    if (!isOver) this.#tell("that takes too long, and it is killed");
    if (state === "present") this.world.crash();
    else life.sleeper?.crash();
    this.#bury(life);
  }
}

function onlyOurs(error: unknown): void {
  if (!isWaybillError(error)) throw error;
}
