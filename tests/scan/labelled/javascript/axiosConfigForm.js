const axios = require('axios').default;

const { BASE_ID = 'appDefault' } = process.env;

function request(method, path, data) {
  return { method, url: `https://api.airtable.com/v0/${BASE_ID}/${path}`, data };
}

module.exports.begin = function begin(fields) {
  return axios({ // expect: creation
    method: 'post',
    url: `https://api.airtable.com/v0/${BASE_ID}/Client Run Results`,
    data: { fields },
  });
};

module.exports.end = function end(id) {
  return axios.request({ // expect: update
    method: 'PATCH',
    url: 'https://api.airtable.com/v0/' + BASE_ID + '/Client Run Results/' + id,
    data: { fields: { Status: 'Completed' } },
  });
};

module.exports.describe = (path) => request('get', path);
