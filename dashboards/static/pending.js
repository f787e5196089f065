// Someone who comes by a link with choices in it shall not see the default figures first.
if (location.search.length > 1) document.documentElement.classList.add('pending');
setTimeout(() => document.documentElement.classList.remove('pending'), 20000);
