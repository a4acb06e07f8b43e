import {
  Alert,
  Button,
  Group,
  JsonInput,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { pollAfterMs } from "../api/live.ts";
import { useMe } from "../api/me.tsx";
import { simulator } from "../local.ts";
import { Json } from "../parts/facts.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded } from "../parts/states.tsx";

interface Sample {
  provider: string;
  name: string;
  body: object;
}

/** Only in a local run: the two providers do what this page says. */
export function Simulator() {
  const { isLocal, speed } = useMe();
  if (!isLocal) {
    return (
      <Page title="Simulator">
        <Alert color="blue">Only a local run has simulated providers: npm start.</Alert>
      </Page>
    );
  }
  return (
    <Page
      title="Simulator"
      about={`The simulated providers of this local run. Business time passes ${
        speed === 1 ? "as real time" : `${speed} times as fast`
      }; npm start -- --speed N sets how fast.`}
    >
      <Fire />
      <Behaviour />
      <Submissions />
    </Page>
  );
}

/** Sends a signed webhook, as a provider does. */
function Fire() {
  const samples = useQuery({
    queryKey: ["samples"],
    queryFn: async () => (await simulator("GET", "samples")).samples as Sample[],
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Section title="Send a webhook as the provider">
      <Loaded of={samples}>{(of) => <FireForm samples={of} />}</Loaded>
    </Section>
  );
}

const labelOf = ({ provider, name }: Sample) => `${provider}: ${name}`;

function FireForm({ samples }: { samples: readonly Sample[] }) {
  const [chosen, setChosen] = useState(samples[0]);
  const [body, setBody] = useState(() => textOf(samples[0]?.body));
  const send = useMutation({
    mutationFn: () =>
      simulator("POST", "send", { provider: chosen?.provider, body: JSON.parse(body) }),
    onSuccess: () =>
      notifications.show({ message: "It is sent. Its event appears under Events.", color: "teal" }),
  });
  return (
    <Stack gap="sm">
      <Select
        label="Event"
        description="Those that the providers' documents show."
        searchable
        allowDeselect={false}
        data={samples.map(labelOf)}
        value={chosen === undefined ? null : labelOf(chosen)}
        onChange={(label) => {
          const sample = samples.find((one) => labelOf(one) === label);
          setChosen(sample);
          setBody(textOf(sample?.body));
        }}
      />
      <JsonInput
        label="Body"
        description="Without a signature: the simulator signs it. The same body again is the same event."
        value={body}
        onChange={setBody}
        autosize
        minRows={4}
        validationError="This is not JSON."
      />
      <Problem error={send.error} />
      <Group>
        <Button loading={send.isPending} disabled={!isJson(body)} onClick={() => send.mutate()}>
          Send
        </Button>
        <Button component={Link} to="/events" variant="default">
          Events
        </Button>
      </Group>
    </Stack>
  );
}

const rates = [
  ["duplicateRate", "Webhooks sent twice"],
  ["dropRate", "Webhooks lost"],
  ["forgeRate", "Forged webhooks before them"],
  ["errorRate", "Calls answered 500"],
  ["tooManyRequestsRate", "Calls answered 429"],
  ["lostAnswerRate", "Calls without an answer"],
] as const;

type Rates = Record<(typeof rates)[number][0], number>;

type BehaviourAnswer = Rates & { delayMs: [number, number]; scripts: object[]; actions: string[] };

function Behaviour() {
  const behaviour = useQuery({
    queryKey: ["behaviour"],
    queryFn: async () => (await simulator("GET", "behaviour")) as unknown as BehaviourAnswer,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Section title="How the providers behave">
      <Loaded of={behaviour}>{(of) => <BehaviourForm behaviour={of} />}</Loaded>
    </Section>
  );
}

function BehaviourForm({ behaviour }: { behaviour: BehaviourAnswer }) {
  const client = useQueryClient();
  const [of, setOf] = useState(behaviour);
  const [scripts, setScripts] = useState(() => textOf(behaviour.scripts));
  useEffect(() => {
    setOf(behaviour);
    setScripts(textOf(behaviour.scripts));
  }, [behaviour]);
  const put = useMutation({
    mutationFn: (next: object) => simulator("PUT", "behaviour", next),
    onSuccess: () => {
      notifications.show({ message: "The providers behave so from now on.", color: "teal" });
      return client.invalidateQueries({ queryKey: ["behaviour"] });
    },
  });
  const [minMs, maxMs] = of.delayMs;
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
        {rates.map(([name, label]) => (
          <NumberInput
            key={name}
            label={label}
            suffix=" %"
            min={0}
            max={100}
            value={Math.round(of[name] * 10_000) / 100}
            onChange={(value) => setOf({ ...of, [name]: Number(value) / 100 })}
          />
        ))}
        <NumberInput
          label="Delay of webhooks, from"
          suffix=" s"
          min={0}
          value={minMs / 1_000}
          onChange={(value) => {
            const ms = Number(value) * 1_000;
            setOf({ ...of, delayMs: [ms, Math.max(ms, maxMs)] });
          }}
        />
        <NumberInput
          label="Delay of webhooks, to"
          suffix=" s"
          min={0}
          value={maxMs / 1_000}
          onChange={(value) => {
            const ms = Number(value) * 1_000;
            setOf({ ...of, delayMs: [Math.min(minMs, ms), ms] });
          }}
        />
      </SimpleGrid>
      <JsonInput
        label="Scripts"
        description="Answers and webhooks of your choice; docs/local-run.md has every member."
        placeholder='[{"on":"submission","times":1,"status":401,"body":{}}]'
        value={scripts}
        onChange={setScripts}
        autosize
        minRows={3}
        validationError="This is not JSON."
      />
      <Problem error={put.error} />
      <Group>
        <Button
          loading={put.isPending}
          disabled={!isJson(scripts)}
          onClick={() => put.mutate({ ...of, scripts: JSON.parse(scripts) })}
        >
          Behave so
        </Button>
        <Button variant="default" onClick={() => put.mutate({})}>
          Behave well again
        </Button>
      </Group>
    </Stack>
  );
}

function Submissions() {
  const submissions = useQuery({
    queryKey: ["submissions"],
    queryFn: async () => (await simulator("GET", "submissions")).submissions as object[],
    refetchInterval: pollAfterMs,
  });
  return (
    <Section title="What the providers were asked">
      <Loaded of={submissions}>
        {(of) =>
          of.length === 0 ? (
            <Text size="sm">Nothing yet.</Text>
          ) : (
            <Json value={of.slice(-20).toReversed()} label="the last submissions" />
          )
        }
      </Loaded>
    </Section>
  );
}

function Problem({ error }: { error: Error | null }) {
  if (error === null) return null;
  return (
    <Alert color="red" role="alert" title="The simulator refused it">
      {error.message}
    </Alert>
  );
}

function textOf(value: unknown): string {
  return JSON.stringify(value ?? {}, null, 2);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
