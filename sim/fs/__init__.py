"""ext3 in data=ordered mode, ->writepage, readahead windows, the flusher and kjournald."""
