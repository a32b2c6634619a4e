//! A folder of Markdown files without a generator that is known.

use super::content;
use super::folder::Folder;
use super::guess::Guess;

pub fn guess(folder: &Folder) -> Guess {
    let mut guess = Guess::new("plain files");
    let files = content::survey(folder, "");
    guess.paths = content::dated_folders(&files, "");
    guess.dates_in = None;
    guess.permalink = match guess.paths.as_slice() {
        [path] if path != "." => format!("/{}/{{folder}}/{{stem}}/", path.rsplit('/').next().unwrap_or(path)),
        [] => "/posts/{stem}/".to_string(),
        _ => "/{folder}/{stem}/".to_string(),
    };
    guess.exclude = content::undated(&files, &guess.paths);
    guess.letters = content::letters(&files);
    let usual = ["static", "public", "assets"];
    guess.static_folders =
        usual.iter().filter(|path| folder.is_dir(path)).map(|path| path.to_string()).take(1).collect();
    guess
}
