#!/usr/bin/env node
// The `percorso` command. TypeScript runs as it is, through tsx; nothing is compiled beforehand.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../functions/cli/main.ts');
process.exitCode = await main(process.argv.slice(2));
