import type { Clock } from '#core/ports';
import type { CompanyWithEngine } from './lake-engine.ts';

/** Progress of one piece of work: a line redrawn in place on a terminal, a plain line now and then elsewhere. Always on stderr. */
export interface Progress {
  /** Shows where the work stands, such as `12 of 40 tables`. */
  update(detail: string): void;
  /** Ends the line and keeps it. */
  done(detail?: string): void;
}

/** What a command asks of the world around it. Made in `main`, replaced in tests. */
export interface CliContext {
  cwd: string;
  env: NodeJS.ProcessEnv;
  now: Clock;
  /** Writes as it is; lines end in a newline that the caller writes. With `--json` stdout holds one JSON document and nothing else. */
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  /** Whether stderr is a terminal, so that a line may be redrawn. */
  isTerminal: boolean;
  /** `--json` was given. */
  readonly json: boolean;
  /** The company of `--dir` or of the current folder: its folder, checked configuration, lists and adapters. Read once. */
  company(): Promise<CompanyWithEngine>;
  progress(label: string): Progress;
  /** Ends the command with this code without an error message, for commands that found something wrong and said so. */
  exitWith(code: 0 | 1 | 2): void;
}
