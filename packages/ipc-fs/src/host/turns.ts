/** Lets the runs of one mailbox look one after the other, so that no flood holds up another run. */
export interface Turns {
  /**
   * Resolves when it is this run's turn. One run looks in one turn of the event loop, so whatever
   * else the host does goes on in between.
   *
   * @param isBusy whether the look before this one gave words: then runs without go first.
   */
  next(isBusy: boolean): Promise<void>;
}

/**
 * Two queues, each first come, first served: a run that was quiet waits for one tick at most,
 * however many others flood, and those that flood take turns.
 */
export function fairTurns(): Turns {
  const quiet: (() => void)[] = [];
  const busy: (() => void)[] = [];
  let isAwaited = false;

  const awaitTurn = (): void => {
    isAwaited = quiet.length + busy.length > 0;
    if (isAwaited) {
      setImmediate(giveTurn);
    }
  };

  const giveTurn = (): void => {
    (quiet.shift() ?? busy.shift())?.();
    awaitTurn();
  };

  return {
    next: (isBusy) =>
      new Promise((resolve) => {
        (isBusy ? busy : quiet).push(resolve);
        if (!isAwaited) {
          awaitTurn();
        }
      }),
  };
}
