module.exports = {
  title: "Le carnet d'exemple",
  url: "https://carnet.example.org/",
  language: "fr",
  description: "Un carnet inventé : pour les essais",
  author: { name: "Alix Exemple", email: "alix@example.org", url: "https://carnet.example.org/a-propos/" },
};
