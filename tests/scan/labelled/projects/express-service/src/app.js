const express = require('express');

require('./jobs/nightly');
require('./jobs/stale');

const app = express();
app.use(express.json());
app.use('/runs', require('./routes/runs'));
app.use('/workflows', require('./routes/workflows'));
app.get('/health', (req, res) => res.send('ok'));

app.listen(process.env.PORT || 3000);
