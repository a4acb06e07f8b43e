import { Alert, Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { type FormEvent, type ReactNode, useState } from "react";
import { type Answer, ApiProblem, type Change, type Input } from "../api/call.ts";
import { useChange } from "../api/live.ts";
import { useMay } from "../api/me.tsx";

interface ActionProps<Of extends Change> {
  route: Of;
  /** What the button says, such as “Resume”. */
  label: string;
  /** What will happen, in a sentence or two. */
  about: ReactNode;
  scope?: "operate" | "admin";
  /** A portal link may do it too. */
  isInPortal?: boolean;
  isDangerous?: boolean;
  isPrimary?: boolean;
  params: NonNullable<Input<Of>["params"]>;
  query?: NonNullable<Input<Of>["query"]>;
  /** Further fields of the dialog. */
  fields?: ReactNode;
  /** Members of the body besides `why`; undefined while a field is missing. */
  body?: object | undefined;
  /** What to say when it is done. */
  done: (answer: Answer<Of>) => string;
  onDone?: (answer: Answer<Of>) => void;
  /** Forgets what was typed, such as a secret. */
  onClose?: () => void;
}

/**
 * A button that opens a dialog, which says what will happen and asks why. The answer to “why” is
 * kept in the audit record. It is not shown to those whose key may not do it.
 */
export function Action<Of extends Change>(props: ActionProps<Of>) {
  const { label, isDangerous = false, isPrimary = false } = props;
  const [isOpen, { open, close }] = useDisclosure(false);
  const mayOperate = useMay(props.scope ?? "operate");
  if (!mayOperate && props.isInPortal !== true) return null;
  const shut = () => {
    props.onClose?.();
    close();
  };
  return (
    <>
      <Button
        size="xs"
        variant={isPrimary ? "filled" : "default"}
        onClick={open}
        {...(isDangerous ? { color: "red", variant: "outline" } : {})}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={shut} title={label} returnFocus>
        <Dialog {...props} close={shut} />
      </Modal>
    </>
  );
}

function Dialog<Of extends Change>(props: ActionProps<Of> & { close: () => void }) {
  const { route, label, about, params, query, fields, done, onDone, close } = props;
  const [why, setWhy] = useState("");
  const change = useChange(route);
  const isReady = !("body" in props) || props.body !== undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { ...props.body, ...(why.trim() === "" ? {} : { why: why.trim() }) };
    const input = { params, ...(query === undefined ? {} : { query }), body } as Input<Of>;
    change.mutate(input, {
      onSuccess: (answer) => {
        notifications.show({ message: done(answer), color: "teal" });
        onDone?.(answer);
        close();
      },
    });
  };
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="md">
        <Text size="sm">{about}</Text>
        {fields}
        {props.isInPortal !== true && (
          <Textarea
            label="Why"
            description="Kept in the audit record; optional."
            placeholder="Ticket, or a sentence"
            maxLength={500}
            autosize
            value={why}
            onChange={({ currentTarget }) => setWhy(currentTarget.value)}
          />
        )}
        {change.error !== null && (
          <Alert color="red" title="It was not done" role="alert">
            {change.error.message}
            {change.error instanceof ApiProblem && change.error.status === 0
              ? " It may have happened nevertheless: look before you repeat it."
              : ""}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={change.isPending}
            disabled={!isReady}
            {...(props.isDangerous ? { color: "red" } : {})}
          >
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
