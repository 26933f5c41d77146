module.exports = {
  ...require('./client'),
  ...require('./runs'),
  clients: require('./clients'),
};
