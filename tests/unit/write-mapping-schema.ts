import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mappingJsonSchema } from '#pipeline/mapping-schema';

/** Writes docs/mapping.schema.json anew: npx tsx tests/unit/write-mapping-schema.ts */
const file = join(import.meta.dirname, '../../docs/mapping.schema.json');
await writeFile(file, `${JSON.stringify(mappingJsonSchema(), null, 2)}\n`);
