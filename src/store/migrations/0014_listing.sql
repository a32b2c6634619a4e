-- Who is listed by addresses is sorted when somebody asks.
DROP INDEX recipients_by_email;
