import { Button } from "@mantine/core";
import { useNavigate, useParams } from "react-router";
import { useLook } from "../api/live.ts";
import { toClient, toConnection, toDeadLetters, toFound } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts, Text } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded } from "../parts/states.tsx";
import { BothTimes } from "../parts/time.tsx";

export function DeadLetter() {
  const { queue = "", messageId = "" } = useParams();
  const navigate = useNavigate();
  const params = { queue, messageId };
  const letter = useLook(
    "GET /v1/operator/dead-letters/{queue}/messages/{messageId}",
    { params },
    { live: false },
  );
  const toQueue = () => navigate(toDeadLetters(queue));
  return (
    <Page
      title="Dead letter"
      about={<Id id={messageId} />}
      actions={
        letter.data !== undefined && (
          <>
            <Action
              route="POST /v1/operator/dead-letters/{queue}/messages/{messageId}/redrive"
              label="Redrive"
              isPrimary
              about="It is moved back to where it came from, and processed again."
              params={params}
              done={() => "It is moved."}
              onDone={toQueue}
            />
            <Button
              size="xs"
              variant="default"
              onClick={() => save(`${queue}-${messageId}.json`, letter.data.body)}
            >
              Save
            </Button>
            <Action
              route="POST /v1/operator/dead-letters/{queue}/messages/{messageId}/drop"
              label="Drop"
              scope="admin"
              isDangerous
              about="It is deleted for good, and what it asks for does not happen. Save it first."
              params={params}
              done={() => "It is deleted."}
              onDone={toQueue}
            />
          </>
        )
      }
    >
      <Loaded of={letter}>
        {(of) => (
          <>
            <Section title="What it is">
              <Facts
                of={{
                  Queue: queue,
                  "Asks for": of.about,
                  Client: of.clientId && <Id id={of.clientId} to={toClient(of.clientId)} />,
                  Connection: of.connectionId && (
                    <Id id={of.connectionId} to={toConnection(of.connectionId)} />
                  ),
                  About: of.subjectId && <Id id={of.subjectId} to={toFound(of.subjectId)} />,
                  "In the queue since": of.sentAt && <BothTimes at={of.sentAt} isReal />,
                  Received: `${of.receives} times`,
                  Size: `${of.bytes} bytes`,
                }}
              />
            </Section>
            {of.decoded !== undefined && (
              <Section title="The webhook in it">
                <Text text={of.decoded} label="the webhook" isExact />
              </Section>
            )}
            <Section title="The message">
              <Text text={of.body} label="the message" isExact />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Saves a text as a file of the reader's machine. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
