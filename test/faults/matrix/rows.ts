/** A fault that the product must survive. A test proves a row when its title begins with the id. */
export interface MatrixRow {
  id: string;
  fault: string;
  /** What must be true all the same. */
  outcome: string;
  /** Of the guarantees in ARCHITECTURE.md. */
  guarantees: readonly string[];
  /** What the product has instead, where the usual technique for this place is another one. */
  instead?: string;
}

export interface MatrixGroup {
  letter: string;
  title: string;
  rows: readonly MatrixRow[];
}

/** Numbers the rows of a group in their order. */
function group(
  letter: string,
  title: string,
  rows: readonly (readonly [
    fault: string,
    outcome: string,
    guarantees: string,
    instead?: string,
  ])[],
): MatrixGroup {
  return {
    letter,
    title,
    rows: rows.map(([fault, outcome, guarantees, instead], at) => ({
      id: `${letter}${at + 1}`,
      fault,
      outcome,
      guarantees: guarantees.split(" "),
      ...(instead === undefined ? {} : { instead }),
    })),
  };
}

/** The fault matrix: every way in which a part of the pipeline is known to fail. */
export const matrix: readonly MatrixGroup[] = [
  group("A", "Ingest: from the HTTP request to the ack", [
    [
      "`ingest` crashes after it has verified a webhook, before SendMessage",
      "No 2xx; the provider sends it again; one event",
      "G1",
    ],
    [
      "SQS stores the message, and its answer is lost",
      "503; the provider's retry is a second message of the same event; one event",
      "G1 G2",
    ],
    [
      "`ingest` crashes between SendMessage and the ack",
      "No 2xx; the retry is a second message of the same event; one event",
      "G1 G2",
    ],
    [
      "SQS throttles, fails or does not answer for a time",
      "503 with Retry-After, never 2xx; every webhook arrives when it is sent again",
      "G1",
    ],
    [
      "The SDK's retries would take longer than the provider waits",
      "The deadline of `ingest` ends them with 503; nothing is done after the answer",
      "G1",
    ],
    ["The provider sends one webhook many times at once", "One publish", "G2"],
    [
      "Two bodies have the same identity",
      "The first stays; the second is reported as a conflict and changes nothing",
      "G2",
    ],
    [
      "The body contains bytes that are no UTF-8, or characters that SQS does not accept",
      "The signature covers the raw bytes; the body is queued as Base64, or is refused with 400",
      "G1",
    ],
    [
      "API Gateway passes the body as text or as Base64, and headers in any case, doubled or joined",
      "The webhook is verified in the same way",
      "G1",
    ],
    [
      "The body is one byte below, at, or above the limit",
      "413 above one limit that every later part can carry",
      "G1",
    ],
    [
      "JSON is nested 10,000 levels deep",
      "400 from `ingest`; no message that fails again and again later",
      "G1 G11",
    ],
    [
      "The JSON has the keys `__proto__`, `constructor` or `prototype`",
      "They are passed on as they are, and no prototype changes",
      "G10",
    ],
    [
      "JSON has repeated keys, integers above 2^53, or numbers that are not finite",
      "Integers of 64 bits stay exact; others are passed on as marked text; the exact bytes are kept",
      "G2",
    ],
    [
      "10,000 headers, 60,000 keys or 6 MB of body",
      "413 or 431 for a bounded amount of work; other webhooks are acked meanwhile",
      "G11",
    ],
    [
      "The signature is missing, empty, too short or long, in another algorithm or encoding",
      "401 with one answer for all causes, and no exception",
      "G1 G10",
    ],
    [
      "A signed time is at, just inside or just outside of its tolerance, in the future, in milliseconds, negative or no number",
      "Accepted or refused exactly at the limit: 300 s for Linked API's signature, 30 s for a JWT",
      "G2",
    ],
    ["A valid webhook is sent again soon", "2xx again, and one publish", "G2"],
    [
      "A webhook is sent again after its dedupe record has ended, and its signature is still valid",
      "Impossible by the settings' limits; a message that waited that long is parked",
      "G2",
    ],
    [
      "The secret is rotated while warm functions have the old one",
      "Both are valid during the overlap; no valid webhook is refused; forgeries cause at most one read a second",
      "G1",
    ],
    [
      "The secret store is down or throttles at a cold start",
      "503; a webhook is never accepted unverified",
      "G1",
    ],
    [
      "A JWT names no algorithm, another algorithm, another key or a key of the sender, or is expired",
      "401: only our algorithm and our secret count",
      "G1 G10",
      "No provider signs with public keys: there is no key set to fetch",
    ],
    [
      "The path has an unknown or manipulated source or connection",
      "404 or 400 after at most one read by key; nothing of it in a log",
      "G10",
    ],
    [
      "A burst of webhooks meets cold functions",
      "No 2xx before SQS has stored the webhook; what is too much is answered 429 or 503",
      "G1",
    ],
  ]),
  group("B", "Consume: from the queue to the bus", [
    ["`consume` crashes before the claim", "The redelivered message is processed", "G1"],
    [
      "The claim is stored, and its answer is lost",
      "The redelivered message waits for the lease, and the event is published",
      "G1",
    ],
    [
      "`consume` crashes between the claim and the publish",
      "The event is published when the lease has ended",
      "G1",
    ],
    [
      "The bus takes the event, and its answer is lost",
      "It is published again with the same id and bytes",
      "G2",
    ],
    [
      "`consume` crashes between the publish and its record",
      "It is published once more with the same id and bytes",
      "G2",
    ],
    [
      "`consume` crashes between the record and the batch's answer",
      "The redelivered message has no effect",
      "G2",
    ],
    [
      "PutEvents answers 200, and one of ten entries failed",
      "Only that entry is tried again; transient and permanent errors are told apart",
      "G1",
    ],
    [
      "The bus refuses an entry permanently",
      "Its message moves to the dead-letter queue, which has an alarm",
      "G6 G11",
    ],
    [
      "A second worker gets the message while the first is at work",
      "It reports a failure, so that the message stays in the queue",
      "G1 G2",
    ],
    [
      "A worker wakes after its lease has ended, and completes or releases its claim",
      "The write is refused, because the claim has another owner",
      "G4 G2",
    ],
    [
      "A worker has no time left when it claims",
      "The claim has an end all the same",
      "G12",
      "The end of a lease depends on a setting, not on the time that is left",
    ],
    [
      "The clocks of two workers differ by up to five minutes",
      "No early takeover within the margin, and none waits for ever",
      "G2",
    ],
    ["Item 3 of a batch of 10 fails", "Exactly that one is reported", "G1"],
    [
      "The handler would answer with a malformed list of failures",
      "Impossible: each failed id is one of the batch; a missing outcome fails the whole batch",
      "G1",
    ],
    [
      "The function ends in the middle of a batch",
      "What is done has no second effect; no event is started without the time to record it",
      "G1 G2",
    ],
    ["A batch contains one event twice", "One publish", "G2"],
    [
      "A message is none of ours",
      "It moves to the dead-letter queue, and its neighbours are published",
      "G6 G11",
    ],
    [
      "DynamoDB throttles, or many workers want one claim",
      "The item is tried again and then reported; nobody reports success for a held claim",
      "G1",
    ],
    [
      "An expired claim is still there, because DynamoDB deletes late",
      "Its time decides, not its presence",
      "G2",
    ],
    [
      "Reserved concurrency would throttle `consume` and use up the receives of good messages",
      "None below the mapping's maximum; at least 5 receives; a visibility timeout of 6 function timeouts",
      "G1",
    ],
    [
      "10,000 messages are redriven after a week",
      "What was published is not published again; what is older than the dedupe window is parked",
      "G2",
    ],
    [
      "The dead-letter queue keeps messages for less time than they are old",
      "It keeps them for 14 days, at least 10 more than the work queue",
      "G1",
    ],
    [
      "The relay of the outbox crashes after publishing, or is behind by more than 24 hours",
      "The same id and bytes again; nothing is forgotten; an alarm",
      "G1 G6",
      "A sweep of the outbox by `reconcile`, not a relay that reads a stream",
    ],
    [
      "A target of the bus or of a schedule is down for more than 24 hours",
      "Each target has a dead-letter queue with an alarm",
      "G1 G6",
    ],
  ]),
  group("C", "Requests: accept, schedule, lanes", [
    [
      "A client repeats a POST with its Idempotency-Key, at once or later, or with another body",
      "One request and one answer; another body is answered 409",
      "G3",
    ],
    [
      "The request is stored, and enqueuing or scheduling it fails or crashes",
      "It is sent all the same: what is accepted is not forgotten",
      "G1",
    ],
    [
      "The schedule is created, its answer is lost, and the call is repeated",
      "One schedule and one submission",
      "G3",
    ],
    [
      "A schedule fires twice, a minute late, early, or never",
      "One submission, and not before its time",
      "G3",
    ],
    [
      "The scheduled time is in the past, in an hour that is skipped or doubled, on a leap day, in year 9999, or in a named zone",
      "It is one instant in every zone of the machine, or is refused with the name of the field",
      "G4",
    ],
    ["A cancel meets the firing of the schedule", "Exactly one of cancelled and submitted", "G4"],
    [
      "All schedules fire at 09:00:00",
      "Each account starts at once and keeps its own gaps; no account waits for another",
      "G11",
    ],
    [
      "The provider accepts a submission, and its answer is lost",
      "`UNKNOWN`, and never sent again, until a webhook, a poll or a person settles it",
      "G3",
    ],
    [
      "The worker crashes between claiming a request and storing the answer",
      "`UNKNOWN`, and never sent again, until a webhook, a poll or a person settles it",
      "G3 G12",
    ],
    [
      "The owner of a lane dies or is frozen",
      "Another takes the lane over after the lease; the old owner's writes are refused",
      "G5 G4",
    ],
    [
      "Two workers believe that they own one lane",
      "Each request is sent once, in order, never two at once",
      "G5",
    ],
    [
      "The second request of a lane fails, and the next ones wait behind it",
      "The lane stops at the first failure that may pass; other lanes continue",
      "G5",
      "Lanes are items in DynamoDB, not groups of a FIFO queue",
    ],
    [
      "The request at the head of a lane can never be sent",
      "It ends as FAILED after a limited number of attempts, and the lane continues",
      "G6 G11",
    ],
    [
      "Processes come and go, with clocks that differ, while a lane is paced",
      "No gap is shorter than drawn: the time of the next submission is stored",
      "G5",
    ],
    [
      "The provider answers 429 with Retry-After",
      "The lane pauses, keeps its order, and counts no failure; other lanes continue",
      "G5",
    ],
    [
      "The id of an account has any characters and 300 of them",
      "Names of lanes and schedules are hashes of the allowed form, which no two accounts share",
      "G5",
      "Keys of DynamoDB items and names of schedules; there are no message groups",
    ],
    [
      "The webhook with the result is lost",
      "A poll brings the result; the event and the API tell the same",
      "G6",
    ],
  ]),
  group("D", "Deliveries to the client's webhook", [
    [
      "A worker stops before the POST",
      "Another makes the attempt with the same number; at most 8 attempts, and two more POSTs for each",
      "G6",
    ],
    [
      "A worker stops between the POST and its record",
      "A second POST with the same id and bytes",
      "G2 G6",
    ],
    ["The record is stored, and its answer is lost", "No further POST", "G6"],
    [
      "The message of the next attempt is lost",
      "The sweep sends it; the delivery still ends",
      "G6 G12",
    ],
    [
      "A worker stops after recording the last failure, before telling it",
      "The sweep publishes and counts it: the alarm follows from what is stored",
      "G6",
    ],
    [
      "The next attempt is further away than SQS can delay a message",
      "The sweep sends its message; the whole cycle follows the schedule",
      "G6",
    ],
    [
      "An endpoint recovers after six hours with everything due",
      "At most twice the POSTs that a healthy endpoint gets at a time",
      "G11",
    ],
    [
      "The endpoint answers 2xx, 3xx, 4xx or 5xx",
      "Only 2xx is a success; 410 disables the webhook; the others are tried again",
      "G6",
    ],
    ["Retry-After is negative, huge, in the past or no time", "It is ignored or limited", "G6"],
    [
      "The webhook is deleted, disabled, replaced or its secret rotated while an attempt is due",
      "A defined end, or the attempt with the current secrets, both during the overlap",
      "G6",
    ],
    [
      "One endpoint hangs with a long backlog",
      "It occupies few workers; first attempts at other endpoints are not delayed",
      "G11",
    ],
    [
      "The clock goes on between attempts",
      "`webhook-timestamp` is the time of each attempt, and `webhook-id` stays the same",
      "G2",
    ],
    ["Several workers get the same attempt", "One POST", "G2"],
    [
      "The webhook's settings change between attempts",
      "The bytes of a delivery that exists do not change",
      "G2",
    ],
    [
      "The endpoint answers 200 with 5 GB of body",
      "A success as soon as the headers are there; the body is cut",
      "G10",
    ],
    [
      "The worker of a first attempt stops before anything of the delivery is indexed",
      "The message stays in its queue, and the attempt is made again",
      "G12",
    ],
    [
      "A message is received while another worker has its delivery",
      "It comes back after the lease: the attempt is made, or the message dropped if it was made",
      "G12",
    ],
    [
      "A message is visible again before the lease has ended",
      "The attempt is made when it is visible the next time",
      "G12",
    ],
    [
      "A worker is frozen for almost its whole lease",
      "It makes no POST, and its message is processed again",
      "G2 G12",
    ],
    [
      "An attempt cannot be recorded, because other writers always come first",
      "It is made again after the lease",
      "G6 G12",
    ],
  ]),
];
