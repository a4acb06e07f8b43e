import { Alert, Anchor, Text } from "@mantine/core";
import { Link, useParams } from "react-router";
import { useLook } from "../api/live.ts";
import { toClient, toDeadLetter, toDeadLetters, toFound } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

export function DeadLetterQueues() {
  const queues = useLook("GET /v1/operator/dead-letters");
  return (
    <Page title="Dead letters" about="Messages that could not be processed, and wait for a person.">
      <Section title="Dead-letter queues">
        <Loaded of={queues}>
          {({ items }) => (
            <Rows
              label="Dead-letter queues"
              items={items}
              keyOf={({ queue }) => queue}
              columns={[
                {
                  title: "Queue",
                  cell: ({ queue }) => (
                    <Anchor component={Link} to={toDeadLetters(queue)} underline="always">
                      {queue}
                    </Anchor>
                  ),
                },
                {
                  title: "Dead letters",
                  cell: ({ messages }) => (
                    <Status value={messages > 0 ? "failed" : "OK"} label={String(messages)} />
                  ),
                },
                { title: "Being looked at", cell: ({ inFlight }) => inFlight },
              ]}
            />
          )}
        </Loaded>
      </Section>
    </Page>
  );
}

/** Those that come from no queue are moved one by one, so that others may remain. */
const aboutRedrive = (count: number, maxRedriven: number | undefined) =>
  maxRedriven === undefined
    ? `All ${count} are moved back to where they came from, and processed again.`
    : `There are ${count}. About ${maxRedriven} at most are moved at once to the queue that they were for, and processed.`;

const movedOf = (count: number, messages: number) =>
  count > messages
    ? `${messages} are moved. ${count - messages} remain: redrive them too.`
    : `${messages} are moved.`;

export function DeadLetters() {
  const { queue = "" } = useParams();
  // To look takes each message out of the queue for some seconds: not again and again.
  const letters = useLook(
    "GET /v1/operator/dead-letters/{queue}/messages",
    { params: { queue } },
    { live: false },
  );
  const queues = useLook("GET /v1/operator/dead-letters");
  const { isRedrivable = false, maxRedriven } =
    queues.data?.items.find((one) => one.queue === queue) ?? {};
  const count = letters.data?.messages ?? 0;
  return (
    <Page
      title={`Dead letters of ${queue}`}
      about="Find out why they failed and mend that first: what is moved back is processed again."
      actions={
        count > 0 &&
        isRedrivable && (
          <Action
            route="POST /v1/operator/dead-letters/{queue}/redrive"
            label="Redrive all"
            about={aboutRedrive(count, maxRedriven)}
            params={{ queue }}
            done={({ messages }) =>
              maxRedriven === undefined ? "They are being moved." : movedOf(count, messages)
            }
          />
        )
      }
    >
      {queues.data !== undefined && !isRedrivable && count > 0 && (
        <Alert color="blue">
          These come from no queue to which they could be moved back. Its runbook says what to do.
        </Alert>
      )}
      <Section title="Dead letters">
        <Loaded of={letters}>
          {({ items, messages }) =>
            items.length === 0 ? (
              <Nothing title={messages > 0 ? "They are being looked at" : "This queue is empty"}>
                {messages > 0 && "Load the page again in half a minute."}
              </Nothing>
            ) : (
              <>
                <Rows
                  label="Dead letters"
                  items={items}
                  keyOf={({ messageId }) => messageId}
                  columns={[
                    {
                      title: "Message",
                      cell: ({ messageId }) => (
                        <Id id={messageId} to={toDeadLetter(queue, messageId)} isShort />
                      ),
                    },
                    { title: "What it asks for", cell: ({ about }) => about },
                    {
                      title: "About",
                      cell: ({ subjectId }) =>
                        subjectId !== undefined && (
                          <Id id={subjectId} to={toFound(subjectId)} isShort />
                        ),
                    },
                    {
                      title: "Client",
                      cell: ({ clientId }) =>
                        clientId !== undefined && (
                          <Id id={clientId} to={toClient(clientId)} isShort />
                        ),
                    },
                    { title: "Received", cell: ({ receives }) => `${receives} times` },
                    {
                      title: "Since",
                      cell: ({ sentAt }) => sentAt !== undefined && <Time at={sentAt} isReal />,
                    },
                  ]}
                />
                {messages > items.length && (
                  <Text size="sm" c="dimmed" mt="sm">
                    {items.length} of {messages}.
                  </Text>
                )}
              </>
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}
