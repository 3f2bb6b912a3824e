"""What a board needs to be a kiosk, laid down file by file and taken away again."""
