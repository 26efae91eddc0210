#!/usr/bin/env node
// npm links this file before anything is built; the program is made by `npm run build`.
import "../dist/main.js";
