import assert from "node:assert/strict";
import type { MessageEvent } from "../../events/message-events.ts";
import type { MessageId } from "../../ids.ts";
import type { Book, EntriesOf } from "./book.ts";

/** What may happen to messages, and in turns. */
export function messageEntries(book: Book): EntriesOf<MessageEvent> {
  const settle = (id: MessageId, fate: "settled" | "discarded"): void => {
    book.message(id);
    book.messages.delete(id);
    book.fates.set(id, fate);
  };

  return {
    MessageQueued({ messageId, position }) {
      assert.equal(book.life, "open", "only an open session takes messages");
      assert.ok(!book.messages.has(messageId), `message ${messageId} is queued once`);
      book.position += 1;
      assert.equal(position, book.position, "positions count");
      book.fates.delete(messageId);
      book.messages.set(messageId, { deliveries: 0, at: "open", replaces: [] });
    },
    ContinuationQueued({ messageId, replaces }) {
      assert.ok(!book.messages.has(messageId), `continuation ${messageId} is queued once`);
      for (const id of replaces) book.message(id);
      // What an older continuation would have brought, the new one brings.
      for (const [id, message] of book.messages) {
        const originals = message.replaces;
        const isCovered =
          originals.length > 0 && originals.every((each) => replaces.includes(each));
        if (isCovered) book.messages.delete(id);
      }
      book.messages.set(messageId, { deliveries: 0, at: "open", replaces });
    },
    MessageDelivered({ messageId, runId, delivery }) {
      book.current(runId);
      const message = book.message(messageId);
      assert.equal(delivery, message.deliveries + 1, "hand-overs count");
      message.deliveries = delivery;
      message.at = "delivered";
    },
    MessageAccepted({ messageId, runId }) {
      book.current(runId);
      const message = book.message(messageId);
      assert.equal(message.at, "delivered", "a message is accepted after it was delivered");
      message.at = "accepted";
    },
    MessageDiscarded({ messageId }) {
      assert.equal(book.life, "closing", "only a closing session discards");
      assert.equal(book.run, null, "nothing is discarded that a run may answer");
      settle(messageId, "discarded");
    },
    TurnStarted({ runId }) {
      book.current(runId);
    },
    TurnEnded({ runId, messageIds }) {
      book.current(runId);
      for (const id of messageIds) settle(id, "settled");
    },
    InterruptRequested({ runId }) {
      book.current(runId);
    },
  };
}
